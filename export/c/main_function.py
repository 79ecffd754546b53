"""The command that a C program is if it is compiled with `NUMNET_MAIN` defined."""

from collections.abc import Iterator

from config.dates import has_date
from export.c.naming import Naming
from export.c.templates import MAIN
from export.c.text import literal
from export.code.tables import wrapped
from export.code.template import filled
from export.source import Source
from network import Column


def main_function(source: Source, naming: Naming) -> str:
    """Return the function and what it needs."""
    has_ends, targets = source.graph.ends is not None, naming.has_targets
    names = (
        ("feature_names", source.model.features),
        ("expected", [_expected(column) for column in source.model.columns]),
        ("target_names", source.model.targets),
    )
    return filled(
        MAIN,
        {
            "prefix": naming.prefix,
            "FEATURES": naming.has_features,
            "TARGETS": targets,
            "names": "\n".join(
                f"static const char *const {name}[] = {{\n{wrapped(map(literal, texts))}\n}};"
                for name, texts in names
            ),
            "parsers": "\n".join(
                f"  if (feature == {index}) {{\n{_parser(column, naming)}  }}"
                for index, column in enumerate(source.model.columns)
                if column.kind != "number"
            ),
            "ends_declared": f", lower[{targets}], upper[{targets}]" if has_ends else "",
            "end_arguments": ", lower, upper" if has_ends else "",
            "end_formats": r"\t%.17g\t%.17g" if has_ends else "",
            "end_values": ", lower[k], upper[k]" if has_ends else "",
        },
    )


def _expected(column: Column) -> str:
    """Return what a value must be, in words."""
    match column.kind:
        case "category":
            return f"a text, such as {column.values[0]}" if column.values else "a text"
        case "datetime" if not has_date(column.date_format):
            return "a time, such as 12:30"
        case "datetime":
            return "a date, such as 2026-01-31 or 2026-01-31 12:00"
        case "boolean":
            return " or ".join(column.values or ("false", "true"))
        case _:
            return "a finite number"


def _parser(column: Column, naming: Naming) -> str:
    """Return the statements that read a cell and return."""
    return "".join(f"    {line}\n" for line in _parser_lines(column, naming))


def _parser_lines(column: Column, naming: Naming) -> Iterator[str]:
    match column.kind:
        case "category":
            yield f"*cell = {naming.prefix}_category(feature, text);"
        case "datetime" if not has_date(column.date_format):
            yield "int hour, minute, count;"
            yield "double second = 0.0;"
            yield "if (text[strspn(text, \"0123456789:.\")] != '\\0') return 0;"
            yield 'count = sscanf(text, "%d:%d:%lf", &hour, &minute, &second);'
            yield "if (count < 2 || hour > 23 || minute > 59 || !(second < 60.0)) return 0;"
            yield "*cell = (hour * 3600.0 + minute * 60.0 + second) / 86400.0;"
        case "datetime":
            yield "int year, month, day, hour = 0, minute = 0, count;"
            yield "double second = 0.0;"
            yield "if (text[strspn(text, \"0123456789-T:. \")] != '\\0') return 0;"
            yield 'count = sscanf(text, "%d-%d-%d%*1[T ]%d:%d:%lf",'
            yield "               &year, &month, &day, &hour, &minute, &second);"
            yield "if (count != 5 && count != 6 && !(count == 3 && strlen(text) <= 10)) return 0;"
            yield "if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return 0;"
            yield "if (hour > 23 || minute > 59 || !(second < 60.0)) return 0;"
            yield f"if ({naming.prefix}_days(year, month, day, 0, 0, 0.0) >= {naming.prefix}_days("
            yield "        year + month / 12, month % 12 + 1, 1, 0, 0, 0.0)) return 0;"
            yield f"*cell = {naming.prefix}_days(year, month, day, hour, minute, second);"
        case _:
            for value, others in enumerate((("0", "false"), ("1", "true"))):
                for word in (*others, *column.values[value : value + 1]):
                    yield f"if (strcmp(text, {literal(word)}) == 0) return *cell = {value}, 1;"
            yield "return 0;"
            return
    yield "return 1;"
