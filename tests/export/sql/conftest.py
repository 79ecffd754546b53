"""The databases that statements are run on."""

import os
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from tests.export.sql.databases import Database, PostgreSQL, SQLite
from tests.postgresql import temporary_server


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """Create databases on a temporary PostgreSQL server and return their URLs."""
    with temporary_server() as new:
        yield new


@pytest.fixture(scope="session")
def postgresql(new_database: Callable[[], str]) -> PostgreSQL:
    return PostgreSQL(new_database())


@pytest.fixture
def sqlite() -> SQLite:
    """Return a database; SQLite may have been built without its mathematical functions."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("WITH t AS MATERIALIZED (SELECT tanh(1.0) AS v) SELECT v FROM t")
    except sqlite3.OperationalError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"SQLite {sqlite3.sqlite_version}: {error}")
    finally:
        connection.close()
    return SQLite()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]
