"""Writes a version as one JavaScript module."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.code.loops import Dialect, statements, tables, vector
from export.code.names import quoted
from export.code.steps import Steps
from export.code.tables import number, numbers, wrapped
from export.code.template import filled
from export.javascript.features import example, feature, type_of
from export.javascript.template import MODULE
from export.source import Source

DIALECT = Dialect(counter="let", variable="let", constant="const", functions="Math.")


def javascript_module(source: Source) -> str:
    """Return the file of a version.

    Raises
    ------
    NotExportable, LevelError
    """
    model, graph = source.model, source.graph
    columns = list(zip(model.columns, *model.feature_range.tolist(), strict=True))
    parts = {
        "number": str(source.number),
        "name": quoted(source.name),
        "example": ", ".join(f"{quoted(each[0].name)}: {example(*each)}" for each in columns),
        "row_type": "\n".join(map(type_of, model.columns)),
        "features": "\n".join(feature(*each) for each in columns),
        "targets": wrapped(map(quoted, model.targets)),
        "statements": "\n".join(f"  {line}" for line in _statements(source)),
        "y": vector(graph.prediction),
        "tables": "\n".join(_tables(source)),
        **_of_targets(model.targets),
        **_of_interval(source),
    }
    return filled(MODULE, parts)


def _of_targets(targets: tuple[str, ...]) -> dict[str, str]:
    """Return the parts that depend on whether there are several targets."""
    if len(targets) == 1:
        return {"value_type": "number", "value_text": "A number.", "named": "numbers[0]"}
    return {
        "value_type": f"{{ {', '.join(f'{quoted(each)}: number' for each in targets)} }}",
        "value_text": "Numbers by the names of the targets.",
        "named": "Object.fromEntries(TARGETS.map((name, k) => [name, numbers[k]]))",
    }


def _of_interval(source: Source) -> dict[str, str]:
    """Return the parts that depend on whether there is an interval."""
    if source.graph.ends is None:
        return {"ends": "", "end_properties": ""}
    lower, upper = map(vector, source.graph.ends)
    return {
        "ends": f"    lower: named({lower}),\n    upper: named({upper}),\n"
        f"    level: {number(source.level or 0.0)},\n",
        "end_properties": " * @property {Values} lower The lower end of the interval.\n"
        " * @property {Values} upper The upper end of the interval.\n"
        " * @property {number} level The probability of a value in the interval, at least.\n",
    }


def _statements(source: Source) -> Iterator[str]:
    widths = {each.out: each.width for each in source.graph}
    for step in Steps.of(source.graph):
        yield f"const {vector(step.out)} = new Float64Array({step.width});"
        yield from statements(step, widths, DIALECT)


def _tables(source: Source) -> Iterator[str]:
    """Yield the definitions of all constants."""
    for name, limits in zip(("LEAST", "GREATEST"), source.model.extrapolation_limits, strict=True):
        yield _table(name, limits)
    for step in Steps.of(source.graph):
        for name, array in tables(step).items():
            yield _table(name, array)


def _table(name: str, array: NDArray[Any]) -> str:
    is_real = array.dtype == np.float64
    kind = "Float64Array" if is_real else "Int32Array"
    return f"const {name} = new {kind}([\n{numbers(array, 'Infinity')},\n]);"
