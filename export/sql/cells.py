"""The numbers of cells, as `network.column` defines them, from the columns of a table.

They are NULL for a cell that is not valid. Whether a cell is missing has a column of its own,
because a wrong cell must not be taken for a missing one.
"""

from collections.abc import Iterator

from config.dates import has_date
from config.numbers import parse_number
from export.sql.literals import identifier, number, real, text
from network import UNSEEN, Column

Named = tuple[str, str]  # the name of a column and its expression
_LARGEST = "1.7976931348623157e308"
_ZERO_OFFSETS = ("Z", "+00:00", "+00")


def raw_cells(columns: tuple[Column, ...], table: str) -> Iterator[Named]:
    """Yield what the numbers of the columns are made of: `raw_j` and `missing_j`."""
    for j, column in enumerate(columns):
        cell = f"{table}.{identifier(column.name)}"
        yield f"raw_{j}", _raw(column, cell)
        yield f"missing_{j}", f"CASE WHEN {cell} IS NULL THEN 1 ELSE 0 END"


def date_parts(columns: tuple[Column, ...]) -> Iterator[Named]:
    """Yield the year, the month and the day of dates, and the seconds since midnight."""
    for j, column in enumerate(columns):
        if column.kind == "datetime":
            t = f"raw_{j}"
            for name, start, length in (("year", 1, 4), ("month", 6, 2), ("day", 9, 2)):
                part = f"CAST(substr({t}, {start}, {length}) AS integer)"
                yield f"{name}_{j}", f"CASE WHEN {_is_date(t)} THEN {part} END"
            yield f"seconds_{j}", _seconds(t)


def cell_numbers(columns: tuple[Column, ...]) -> Iterator[Named]:
    """Yield the numbers `x_j`."""
    for j, column in enumerate(columns):
        match column.kind:
            case "number":
                yield f"x_{j}", f"raw_{j}"
            case "category":
                yield f"x_{j}", _listed(f"raw_{j}", _spellings(column), number(UNSEEN))
            case "boolean":
                yield f"x_{j}", _listed(f"raw_{j}", _words(column))
            case "datetime":
                yield f"x_{j}", _days(j)


def _raw(column: Column, cell: str) -> str:
    match column.kind:
        case "number":
            # SQLite sorts texts behind numbers; + takes away the type that a column prefers
            finite = f"+{cell} BETWEEN -{_LARGEST} AND {_LARGEST}"
            return f"CASE WHEN {finite} THEN {real(cell)} END"
        case "category":
            return f"trim(CAST({cell} AS text))"
        case "boolean":
            return f"lower(trim(CAST({cell} AS text)))"
    date = f"trim(CAST({cell} AS text))"
    for offset in _ZERO_OFFSETS:
        date = f"replace({date}, {text(offset)}, '')"
    if has_date(column.date_format):
        return date
    return f"CASE WHEN {date} LIKE '__:__%' THEN '1970-01-01 ' || {date} ELSE {date} END"


def _is_date(t: str) -> str:
    """Return whether a text begins with a day of the calendar."""
    month, day = f"substr({t}, 6, 2)", f"substr({t}, 9, 2)"
    century, year = f"substr({t}, 1, 2)", f"substr({t}, 3, 2)"
    leap = f"CAST(CASE WHEN {year} = '00' THEN {century} ELSE {year} END AS integer) % 4 = 0"
    last = (
        f"CASE WHEN {month} IN ('04', '06', '09', '11') THEN '30' WHEN {month} <> '02' THEN '31' "
        f"WHEN {leap} THEN '29' ELSE '28' END"
    )
    return (
        f"CASE WHEN {t} LIKE '____-__-__%' AND {month} BETWEEN '01' AND '12' "
        f"THEN {day} BETWEEN '01' AND {last} END"
    )


def _seconds(t: str) -> str:
    """Return the seconds since midnight of a date; NULL if it has a time zone other than UTC."""
    time = f"substr({t}, 11)"
    wrong = (
        f"substr({t}, 12, 2) > '23' OR substr({t}, 15, 2) > '59' OR substr({t}, 18, 2) > '59' "
        f"OR {time} LIKE '%+%' OR {time} LIKE '%-%'"
    )
    hours, minutes = (f"CAST(substr({t}, {start}, 2) AS integer)" for start in (12, 15))
    seconds = f"{hours} * 3600 + {minutes} * 60"
    return (
        f"CASE WHEN {time} = '' THEN 0.0 WHEN {wrong} THEN NULL "
        f"WHEN {time} LIKE '___:__' THEN {real(seconds)} "
        f"WHEN {time} LIKE '___:__:__%' THEN {seconds} + {real(f'substr({t}, 18)')} END"
    )


def _days(j: int) -> str:
    """Return the days since 1970-01-01 of a date; the quotients are of integers.

    Source: Fliegel & Van Flandern 1968, "A machine algorithm for processing calendar dates".
    """
    y, m, d = (f"{part}_{j}" for part in ("year", "month", "day"))
    january = f"({m} - 14) / 12"
    days = (
        f"1461 * ({y} + 4800 + {january}) / 4 + 367 * ({m} - 2 - 12 * ({january})) / 12 "
        f"- 3 * (({y} + 4900 + {january}) / 100) / 4 + {d} - 2472663"
    )
    return f"{real(days)} + seconds_{j} / 86400.0"


def _listed(cell: str, numbers: dict[str, float], other: str = "NULL") -> str:
    cases = " ".join(f"WHEN {text(each)} THEN {number(code)}" for each, code in numbers.items())
    return real(f"CASE WHEN {cell} IS NOT NULL THEN CASE {cell} {cases} ELSE {other} END END")


def _spellings(column: Column) -> dict[str, float]:
    """Return the numbers of texts, and of other spellings if they are numbers."""
    found = {each.strip(" "): float(code) for code, each in enumerate(column.values)}
    parsed = {each: parse_number(each) for each in column.values}
    numbers = [each for each in parsed.values() if each is not None]
    if len(set(numbers)) == len(column.values):
        for code, value in enumerate(numbers):
            for spelling in (repr(value), f"{value:.15g}"):
                found.setdefault(spelling, float(code))
    return found


def _words(column: Column) -> dict[str, float]:
    found = {"false": 0.0, "0": 0.0, "true": 1.0, "1": 1.0}
    return found | {word.lower(): float(code) for code, word in enumerate(column.values)}
