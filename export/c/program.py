"""Writes a version as one file of C99."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.c.documentation import documentation
from export.c.main_function import main_function
from export.c.naming import Naming
from export.c.templates import CATEGORY, DAYS, DECLARATIONS, END, PREDICT
from export.c.text import literal
from export.code.loops import Dialect, statements, tables, vector
from export.code.steps import Steps
from export.code.tables import numbers, wrapped
from export.code.template import filled
from export.source import Source
from network import UNSEEN, Column

DIALECT = Dialect(counter="int", variable="double", constant="const double", functions="")
_LARGEST = sys.float_info.max
_LOOKUPS = {"category": CATEGORY, "datetime": DAYS}
_PROTOTYPES = {
    "category": "double {}_category(int feature, const char *text);",
    "datetime": "double {}_days("
    "int year, int month, int day, int hour, int minute, double second);",
}


def c_program(source: Source) -> str:
    """Return the file of a version.

    Raises
    ------
    NotExportable, LevelError
    """
    naming = Naming.of(source)
    kinds = {column.kind for column in source.model.columns} & _LOOKUPS.keys()
    steps = Steps.of(source.graph)
    parts = _parts(source, naming, steps, sorted(kinds))
    functions = PREDICT + "".join(_LOOKUPS[kind] for kind in sorted(kinds))
    return "\n".join(
        [
            documentation(source, naming),
            filled(DECLARATIONS, parts),
            *_tables(source, steps),
            filled(functions, parts),
            main_function(source, naming),
            filled(END, parts),
        ]
    )


def _parts(source: Source, naming: Naming, steps: Steps, lookups: Sequence[str]) -> dict[str, str]:
    """Return what is filled into the templates."""
    targets, has_ends = naming.has_targets, source.graph.ends is not None
    names = [*naming.features, naming.has_features, *naming.targets, naming.has_targets]
    counts = [*range(len(naming.features) + 1), *range(len(naming.targets) + 1)]
    return {
        "prefix": naming.prefix,
        "PREFIX": naming.capitals,
        "FEATURES": naming.has_features,
        "TARGETS": targets,
        "enumerators": ",\n".join(
            f"  {name} = {count}" for name, count in zip(names, counts, strict=True)
        ),
        "prototypes": "\n".join(_PROTOTYPES[kind].format(naming.prefix) for kind in lookups),
        "includes": "#include <string.h>\n" if "category" in lookups else "",
        "ends": f",\n    double lower[{targets}], double upper[{targets}]" if has_ends else "",
        "no_ends": "      if (lower != NULL) lower[k] = upper[k] = NAN;\n" if has_ends else "",
        "vectors": "\n".join(f"  double {vector(each.out)}[{each.width}];" for each in steps),
        "statements": "\n".join(f"  {line}" for line in _statements(source, steps, targets)),
    }


def _statements(source: Source, steps: Steps, targets: str) -> Iterator[str]:
    """Yield the statements that compute the results."""
    graph = source.graph
    widths = {each.out: each.width for each in graph}
    for operation in steps.of_prediction:
        yield from statements(operation, widths, DIALECT)
    y = vector(graph.prediction)
    yield f"for (int k = 0; k < {targets}; k++) prediction[k] = {y}[k];"
    if graph.ends:
        lower, upper = map(vector, graph.ends)
        yield "if (lower != NULL) {"
        for operation in steps.of_ends:
            yield from (f"  {line}" for line in statements(operation, widths, DIALECT))
        yield f"  for (int k = 0; k < {targets}; k++) {{"
        yield f"    lower[k] = {lower}[k];"
        yield f"    upper[k] = {upper}[k];"
        yield "  }"
        yield "}"


def _tables(source: Source, steps: Steps) -> Iterator[str]:
    """Yield the definitions of all constants."""
    columns = source.model.columns
    least, greatest = np.array([_valid(each) for each in columns]).T
    yield _table("has_gaps", np.array([each.has_gaps for each in columns]))
    yield _table("is_whole", np.array([each.kind in ("category", "boolean") for each in columns]))
    yield _table("valid_least", least)
    yield _table("valid_greatest", greatest)
    for name, limits in zip(("least", "greatest"), source.model.extrapolation_limits, strict=True):
        yield _table(f"outside_{name}", limits)
    if any(each.kind == "category" for each in columns):
        yield from _values(source)
    for operation in steps:
        for name, array in tables(operation).items():
            yield _table(name, array)


def _valid(column: Column) -> tuple[float, float]:
    """Return the least and the greatest number that a cell may be."""
    match column.kind:
        case "category":
            return UNSEEN, len(column.values) - 1.0
        case "boolean":
            return 0.0, 1.0
    return -_LARGEST, _LARGEST


def _values(source: Source) -> Iterator[str]:
    """Yield the texts of categories, for each feature."""
    columns = source.model.columns
    texts = [each.values if each.kind == "category" else () for each in columns]
    for index, each in enumerate(texts):
        if each:
            yield f"static const char *const values_{index}[] = {{"
            yield f"{wrapped(map(literal, each))}\n}};"
    pointers = [f"values_{index}" if each else "NULL" for index, each in enumerate(texts)]
    yield f"static const char *const *const values[] = {{\n{wrapped(pointers)}\n}};"
    yield _table("value_count", np.array([len(each) for each in texts]))


def _table(name: str, array: NDArray[Any]) -> str:
    is_real = array.dtype == np.float64
    kind = "double" if is_real else "int"
    return f"static const {kind} {name}[{array.size}] = {{\n{numbers(array)}\n}};"
