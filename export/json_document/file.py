"""The JSON document of a version."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson

from export.json_document.features import cell_of, example_numbers, features_of
from export.json_document.steps import WORDS, name_of, step_of
from export.source import Format, Source

ABOUT = (
    "How to predict with this model: turn the cells of a row into numbers, as `features` says. "
    "Compute `steps` in order. Each is a list of numbers, made from the lists that `from` names, "
    "of which the first is called v; `operations` says how. `outputs` names the lists that are the "
    "results, with one number for each of `targets`. `example` is a row to check that with. "
    "Indices are counted from 0."
)
OUTPUTS = ("prediction", "lower", "upper")


def _write(source: Source) -> bytes:
    """Return the document, with a line for each feature and each step."""
    graph = source.graph
    members: dict[str, Any] = {
        "about": ABOUT,
        "model": source.name,
        "version": source.number,
        "targets": source.model.targets,
        "outputs": dict(zip(OUTPUTS, graph.outputs, strict=False)),
    }
    if source.level is not None:
        members["interval"] = (
            f"the true value of a target is between its lower and its upper end with a probability "
            f"of at least {source.level!r}"
        )
    members["example"] = _example(source)
    kinds = dict.fromkeys(type(operation) for operation in graph)
    members["operations"] = {name_of(kind): WORDS[kind] for kind in kinds}
    lines = [_member(name, _json(value)) for name, value in members.items()]
    lines.append(_member("features", _list(features_of(source.model))))
    lines.append(_member("steps", _list(step_of(operation, graph) for operation in graph)))
    return b"{\n" + b",\n".join(lines) + b"\n}\n"


def _example(source: Source) -> dict[str, Any]:
    """Return a row, its numbers, and what the model predicts for it."""
    model, numbers = source.model, example_numbers(source.model)
    cells = zip(model.columns, numbers, strict=True)
    found = {"row": {each.name: cell_of(each, number) for each, number in cells}}
    assessed = model.assess_row(numbers, scale=source.level is not None)
    results = {"prediction": np.array(assessed.y)}
    if source.calibration is not None and source.level is not None:
        sizes = np.ones(len(assessed.y)) if assessed.scale is None else assessed.scale
        lower, upper = source.calibration.offsets(source.level)
        results["lower"] = results["prediction"] + lower * sizes
        results["upper"] = results["prediction"] + upper * sizes
    by_target = {
        name: dict(zip(model.targets, values.tolist(), strict=True))
        for name, values in results.items()
    }
    return found | {"numbers": numbers} | by_target


def _member(name: str, value: bytes) -> bytes:
    return b'"%s": %s' % (name.encode(), value)


def _list(items: Iterable[Any]) -> bytes:
    return b"[\n" + b",\n".join(map(_json, items)) + b"\n]"


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


FORMAT = Format("application/json", _write)
