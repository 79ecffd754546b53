"""A small version as one SELECT for PostgreSQL and SQLite."""

from export.source import Format
from export.sql.select import sql_select

FORMAT = Format("application/sql", sql_select)

__all__ = ["FORMAT", "sql_select"]
