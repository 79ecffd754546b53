"""The job database: connections, tables, serialization and error messages.

DBOS and SQLAlchemy are imported on first use, because most processes never ask about jobs.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import JobsUnavailable

if TYPE_CHECKING:
    from dbos import DBOSClient
    from dbos._queue import QueueConflictResolution

log = logging.getLogger(__name__)

FileIdentity = tuple[int, int]

QUEUE = WORKFLOW = "retrain"
PROGRESS = "progress"  # the workflow event that has the latest `JobProgress.snapshot`
POLL_SECONDS = 0.5  # between two times that the trainer polls the queue
MAX_CONNECTED_THREADS = 2  # per process
CONNECT_TIMEOUT_SECONDS = 1.0  # for one of these threads to finish

TIMEOUTS = {  # libpq parameters, for a PostgreSQL server that stops responding
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}


class Database:
    """A database of jobs. Thread-safe; to be created after a fork.

    If the database server does not respond, at most `MAX_CONNECTED_THREADS` threads of the process
    wait for it, and the others fail within `CONNECT_TIMEOUT_SECONDS`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: DBOSClient | None = None
        self._file: FileIdentity | None = None
        self._lock = threading.Lock()
        self._threads = threading.BoundedSemaphore(MAX_CONNECTED_THREADS)

    @contextmanager
    def connect(self) -> Iterator["DBOSClient"]:
        """Yield a client, with the tables in place. Not reentrant.

        Raises
        ------
        JobsUnavailable
        """
        import dbos  # noqa: F401, PLC0415  # may take a second, which is not to count as a timeout
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        if not self._threads.acquire(timeout=CONNECT_TIMEOUT_SECONDS):
            raise JobsUnavailable("the job database does not respond")
        try:
            yield self._connected()
        except (SQLAlchemyError, OSError) as error:
            raise JobsUnavailable(f"the job database cannot be used: {reason(error)}") from error
        finally:
            self._threads.release()

    def _connected(self) -> "DBOSClient":
        """Return the client, a new one if the file was deleted or replaced.

        SQLite would go on with the old file, which no other process opens any more.
        """
        with self._lock:
            if self._client and self._file != file_identity(self._url):
                log.warning("the job database was deleted or replaced: opening the new one")
                self._client.destroy()
                self._client = None
            if self._client is None:
                self._client = _make_client(self._url)
                self._file = file_identity(self._url)
            return self._client

    def close(self) -> None:
        """Close the connections. The next `connect` opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.destroy()


def file_identity(url: str) -> FileIdentity | None:
    """Return device and inode of SQLite's file; None if it is missing, or for PostgreSQL."""
    if not url.startswith("sqlite:"):
        return None
    try:
        status = Path(url.removeprefix("sqlite:///").partition("?")[0]).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def with_timeouts(url: str) -> str:
    """Return the URL with `TIMEOUTS`, unless it sets its own; SQLite needs none."""
    from sqlalchemy import make_url  # noqa: PLC0415

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return url
    return parsed.set(query={**TIMEOUTS, **parsed.query}).render_as_string(hide_password=False)


def serializer() -> Any:
    """Return DBOS's JSON serializer; its default is pickle."""
    from dbos import DBOSPortableJSONSerializer  # noqa: PLC0415

    return DBOSPortableJSONSerializer()


def reason(error: Exception) -> str:
    """Return the first line of the driver's message, without statement, values or paths."""
    message = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    return message.partition("\n")[0] or type(error).__name__


def _make_client(url: str) -> "DBOSClient":
    from dbos import DBOSClient  # noqa: PLC0415

    logging.getLogger("dbos").setLevel(logging.WARNING)
    url = with_timeouts(url)
    _create_tables(url)
    client = DBOSClient(
        system_database_url=url, serializer=serializer(), retry_connection_errors=False
    )
    register_queue(client, 1, "never_update")
    return client


def register_queue(
    client: "DBOSClient", at_once: int, if_registered: "QueueConflictResolution"
) -> None:
    """Register the queue of the jobs, if necessary.

    Parameters
    ----------
    at_once : number of jobs that run at a time
    """
    client.register_queue(
        QUEUE,
        global_concurrency=at_once,
        polling_interval_sec=POLL_SECONDS,
        on_conflict=if_registered,
    )


def _create_tables(url: str) -> None:
    from dbos import DBOS  # noqa: PLC0415
    from sqlalchemy import create_engine, make_url, text  # noqa: PLC0415

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        assert parsed.database  # noqa: S101  # checked by `Settings`
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url)
        with engine.connect() as connection:  # stored in the file: readers do not wait for writers
            connection.execute(text("PRAGMA journal_mode=WAL"))
        engine.dispose()
    DBOS.migrate(url)
