"""The features of a version in a JavaScript module: objects, types and an example."""

from collections.abc import Iterable

from config.dates import format_date, has_date
from config.numbers import parse_number
from export.code.names import quoted
from export.code.tables import number
from network import Column

_SHOWN = 40  # characters of the values in a message
_YEAR_1, _YEAR_9999 = -719_162.0, 2_932_896.0


def feature(column: Column, least: float, greatest: float) -> str:
    """Return the object that describes a feature."""
    members = [
        ("name", quoted(column.name)),
        ("kind", quoted(column.kind)),
        ("gaps", str(column.has_gaps).lower()),
        ("expected", quoted(_expected(column, least))),
        ("least", number(least)),
        ("greatest", number(greatest)),
    ]
    if column.unit:
        members.append(("unit", quoted(column.unit)))
    if column.kind == "category":
        members.append(("values", _listed(map(quoted, column.values))))
        if numbers := _numbers(column.values):
            members.append(("numbers", _listed(map(number, numbers))))
    if column.kind == "boolean":
        words = [quoted(word.lower()) for word in column.values]
        members.append(("values", _listed(words)))
    if column.kind == "datetime" and not has_date(column.date_format):
        members.append(("timesOnly", "true"))
    return f"  {{ {', '.join(f'{name}: {value}' for name, value in members)} }},"


def type_of(column: Column) -> str:
    """Return the type of a feature's cells, as a member of the type of a row."""
    types = {
        "number": "number",
        "category": "string | number" if _numbers(column.values) else "string",
        "boolean": "boolean | string" if column.values else "boolean",
        "datetime": "string | Date",
    }
    optional, null = ("?", " | null") if column.has_gaps else ("", "")
    return f" *   {quoted(column.name)}{optional}: {types[column.kind]}{null},"


def example(column: Column, least: float, greatest: float) -> str:
    """Return a valid cell."""
    match column.kind:
        case "category":
            return quoted(column.values[0])
        case "boolean":
            return "true"
        case "datetime":
            return quoted(_date(least))
    return number(min(max(0.0, least), greatest))


def _expected(column: Column, least: float) -> str:
    match column.kind:
        case "category":
            shown = ", ".join(column.values)
            return f"text, such as {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"
        case "boolean":
            words = f", {column.values[1]} or {column.values[0]}" if column.values else ""
            return f"true or false{words}"
        case "datetime":
            return f"a date like {_date(least)}"
    return "a finite number"


def _numbers(texts: tuple[str, ...]) -> list[float]:
    """Return the numbers that texts stand for; none if not all are different numbers."""
    numbers = [found for found in map(parse_number, texts) if found is not None]
    return numbers if len(set(numbers)) == len(texts) else []


def _date(days: float) -> str:
    return format_date(min(max(days, _YEAR_1), _YEAR_9999))


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"
