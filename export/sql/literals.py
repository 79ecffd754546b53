"""Names, texts and numbers in SQL."""

from collections.abc import Sequence

from export.code import tables


def identifier(name: str) -> str:
    """Return a name in quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a text in quotes."""
    return "'" + value.replace("'", "''") + "'"


def number(value: float) -> str:
    """Return a finite number that stands for the same in any expression."""
    return f"({tables.number(value)})" if value < 0 else tables.number(value)


def real(expression: str) -> str:
    """Return an expression as float64. PostgreSQL takes literals for decimals otherwise."""
    return f"CAST({expression} AS double precision)"


def total(terms: Sequence[str]) -> str:
    """Return the sum of terms, as a balanced tree: SQLite limits its depth to 1000."""
    if len(terms) <= 4:
        return " + ".join(terms)
    half = len(terms) // 2
    return f"({total(terms[:half])}) + ({total(terms[half:])})"
