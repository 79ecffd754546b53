"""Databases that run the statement of a version."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import psycopg

from export import Source
from export.sql import sql_select
from network import Column

Rows = list[dict[str, Any]]
_USUAL: Mapping[str, str] = {}


class Database(Protocol):
    """A database without tables."""

    name: str

    def select(
        self, source: Source, rows: Rows, types: Mapping[str, str] = ..., before: str = ...
    ) -> Rows:
        """Return what the statement of a version selects from a table with these rows.

        Parameters
        ----------
        types : of columns that have another type than usual
        before : a statement that is executed before
        """


class SQLite:
    """An SQLite database in memory."""

    name = "sqlite"
    types: ClassVar = {
        "number": "REAL",
        "category": "TEXT",
        "boolean": "INTEGER",
        "datetime": "TEXT",
    }

    def select(
        self,
        source: Source,
        rows: Rows,
        types: Mapping[str, str] = _USUAL,
        before: str = "SELECT 1",
    ) -> Rows:
        """Return the rows of the statement."""
        connection = sqlite3.connect(":memory:")
        connection.row_factory = sqlite3.Row
        columns = source.model.columns
        connection.execute(_create(columns, self.types, types))
        connection.executemany(_insert(columns, "?"), _values(columns, rows))
        connection.execute(before)
        found = [dict(each) for each in connection.execute(sql_select(source))]
        connection.close()
        return found


class PostgreSQL:
    """A PostgreSQL database at a URL."""

    name = "postgresql"
    types: ClassVar = {
        "number": "double precision",
        "category": "text",
        "boolean": "boolean",
        "datetime": "timestamp",
    }

    def __init__(self, url: str) -> None:
        self._url = url

    def select(
        self,
        source: Source,
        rows: Rows,
        types: Mapping[str, str] = _USUAL,
        before: str = "SELECT 1",
    ) -> Rows:
        """Return the rows of the statement."""
        columns = source.model.columns
        with psycopg.connect(self._url, row_factory=psycopg.rows.dict_row) as connection:
            connection.execute("SET TIME ZONE 'UTC'")
            connection.execute("DROP TABLE IF EXISTS rows")
            connection.execute(_create(columns, self.types, types))
            with connection.cursor() as cursor:
                cursor.executemany(_insert(columns, "%s"), _values(columns, rows))
            connection.execute(before)
            return connection.execute(sql_select(source)).fetchall()


def _create(columns: Sequence[Column], usual: Mapping[str, str], types: Mapping[str, str]) -> str:
    listed = (f"{_quoted(each.name)} {types.get(each.name, usual[each.kind])}" for each in columns)
    return f"CREATE TABLE rows (id integer, {', '.join(listed)})"


def _insert(columns: Sequence[Column], place: str) -> str:
    return f"INSERT INTO rows VALUES ({', '.join([place] * (len(columns) + 1))})"


def _values(columns: Sequence[Column], rows: Rows) -> list[list[Any]]:
    return [[number, *(row.get(c.name) for c in columns)] for number, row in enumerate(rows)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
