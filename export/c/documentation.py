"""The comment that a C program begins with: how to compile and call it, features and targets."""

from collections.abc import Iterator

from config.dates import format_date, has_date
from export.c.naming import Naming
from export.code.names import quoted
from export.code.template import filled
from export.source import Source
from network import Column

_SHOWN = 5  # values of a category


_ABOUT = """\
/* Version <<number>> of the numnet model <<name>>.

   Compile with `cc -std=c99 -O2 -c FILE.c`, and link with `-lm`. To call the functions, include
   this file with <<PREFIX>>_DECLARATIONS defined. Nothing is allocated, and only the results are
   written: calls may run in parallel. Compiled with NUMNET_MAIN defined, the file is a command.

<<example>>

   <<prefix>>_predict returns 0, or the number of the first feature, from 1, whose cell is not
   valid; then all results are NAN. It returns -1 if the cells are so large that a result
   overflowed.
   <<prefix>>_outside returns how many cells are outside the range of training.

   Features; a missing cell is NAN:
<<features>>
   Targets:
<<targets>>
<<interval>>*/"""
_INTERVAL = """\
   Interval: `lower` and `upper` contain the true value with a probability of <<level>>, at least.
   Both may be NULL, which takes less time.
"""


def documentation(source: Source, naming: Naming) -> str:
    """Return the comment."""
    model, level = source.model, str(source.level)
    ranges = zip(*model.feature_range.tolist(), strict=True)
    features = [
        f"     {name} = {quoted(column.name)}\n       {_described(column, *limits)}"
        for name, column, limits in zip(naming.features, model.columns, ranges, strict=True)
    ]
    named = zip(naming.targets, model.targets, strict=True)
    parts = {
        "number": str(source.number),
        "name": quoted(source.name),
        "prefix": naming.prefix,
        "PREFIX": naming.capitals,
        "example": "\n".join(f"       {line}" for line in _example(source, naming)),
        "features": "\n".join(features),
        "targets": "\n".join(f"     {name} = {quoted(target)}" for name, target in named),
        "interval": filled(_INTERVAL, {"level": level}) if source.graph.ends else "",
    }
    return filled(_ABOUT, parts)


def _example(source: Source, naming: Naming) -> Iterator[str]:
    features, targets = naming.has_features, naming.has_targets
    results = ["prediction", "lower", "upper"] if source.graph.ends else ["prediction"]
    yield f"double row[{features}];"
    yield from (f"double {each}[{targets}];" for each in results)
    ranges = zip(*source.model.feature_range.tolist(), strict=True)
    for name, column, (least, greatest) in zip(
        naming.features, source.model.columns, ranges, strict=True
    ):
        match column.kind:
            case "category":
                value = f'{naming.prefix}_category({name}, "...")'
            case "datetime" if not has_date(column.date_format):
                value = "12 / 24.0"
            case "datetime":
                value = f"{naming.prefix}_days(2026, 1, 31, 12, 0, 0.0)"
            case "boolean":
                value = "1"
            case _:
                value = repr(min(max(0.0, least), greatest))
        yield f"row[{name}] = {value};"
    yield f"if ({naming.prefix}_predict(row, {', '.join(results)}) == 0)"
    yield f'    printf("%g\\n", prediction[{naming.targets[0]}]);'


def _described(column: Column, least: float, greatest: float) -> str:
    match column.kind:
        case "category":
            more = ", ..." if len(column.values) > _SHOWN else ""
            text = f"category: {', '.join(map(quoted, column.values[:_SHOWN]))}{more}"
        case "boolean":
            words = [f" ({quoted(word)})" for word in column.values] or ["", ""]
            text = f"boolean: 0{words[0]} or 1{words[1]}"
        case "datetime" if not has_date(column.date_format):
            text = f"time as a fraction of a day, in UTC: {least:g} to {greatest:g}"
        case "datetime":
            text = f"days since 1970-01-01, in UTC: {_date(least)} to {_date(greatest)}"
        case _:
            unit = f" {quoted(column.unit)}" if column.unit else ""
            text = f"number: {least:g} to {greatest:g}{unit}"
    return f"{text}; {'may' if column.has_gaps else 'must not'} be missing"


def _date(days: float) -> str:
    try:
        return format_date(days)
    except OverflowError:
        return repr(days)
