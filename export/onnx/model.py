"""The ONNX file of a version."""

import json
from collections.abc import Sequence

import numpy as np

from config.dates import has_date
from export.graph import Cells
from export.onnx import messages
from export.onnx.nodes import Nodes
from export.onnx.operations import add_operation
from export.source import Source
from network import UNSEEN, Column

OUTPUTS = ("prediction", "lower", "upper")


def onnx_file(source: Source) -> bytes:
    """Return the ONNX file of a version.

    Its inputs have the names of the features and one column each: texts of a category, float64 for
    all others. NaN is a missing cell, or "" for a category. Its outputs are `OUTPUTS`, with one
    column for each target.

    Raises
    ------
    NotExportable, LevelError
    """
    graph = source.graph
    taken = tuple(column.name for column in graph.columns)
    outputs = [_free(name, taken) for name in OUTPUTS[: len(graph.outputs)]]
    nodes = Nodes((*taken, *outputs))
    for operation in graph:
        if isinstance(operation, Cells):
            nodes.tensors[operation.out] = _cells(nodes, operation.columns)
        else:
            add_operation(nodes, operation)
    for name, vector in zip(outputs, graph.outputs, strict=True):
        nodes.add("Identity", nodes.tensors[vector], out=name)
    return file_of(source, nodes, [_input(each) for each in graph.columns], outputs)


def file_of(source: Source, nodes: Nodes, inputs: Sequence[bytes], outputs: Sequence[str]) -> bytes:
    """Return the file of a graph that is complete."""
    targets = source.model.targets
    text = ", ".join(targets)
    metadata = {"model": source.name, "version": str(source.number)}
    for name, names in (("features", source.model.features), ("targets", targets)):
        metadata[name] = json.dumps(names, ensure_ascii=False)
    if source.level is not None:
        metadata["level"] = repr(source.level)
    return messages.model(
        source.name,
        nodes=nodes.nodes,
        constants=nodes.constants,
        inputs=inputs,
        outputs=[
            messages.value_info(name, messages.DOUBLE, len(targets), text) for name in outputs
        ],
        version=source.number,
        text=f"version {source.number} of the model {source.name}: predicts {text}",
        metadata=metadata,
    )


def _cells(nodes: Nodes, columns: tuple[Column, ...]) -> str:
    numbers = [_numbered(nodes, each) if each.kind == "category" else each.name for each in columns]
    return nodes.add("Concat", *numbers, axis=1)


def _numbered(nodes: Nodes, column: Column) -> str:
    """Add the number of a text: its index, `UNSEEN`, or NaN for "" unless that is a category."""
    texts = {text: index for index, text in enumerate(column.values)}
    unseen, missing = len(texts), len(texts) + 1
    texts.setdefault("", missing)
    index = nodes.add(
        "LabelEncoder",
        column.name,
        keys_strings=list(texts),
        values_int64s=list(texts.values()),
        default_int64=unseen,
    )
    return nodes.add("Gather", np.array([*range(unseen), UNSEEN, np.nan]), index, axis=0)


def _input(column: Column) -> bytes:
    is_time = column.kind == "datetime" and not has_date(column.date_format)
    meanings = {
        "number": f"a number in {column.unit}" if column.unit else "a number",
        "category": "a text",
        "boolean": "0 or 1",
        "datetime": "fraction of a day in UTC" if is_time else "days since 1970-01-01 in UTC",
    }
    kind = messages.TEXT if column.kind == "category" else messages.DOUBLE
    return messages.value_info(column.name, kind, 1, meanings[column.kind])


def _free(name: str, taken: tuple[str, ...]) -> str:
    """Return a name that is not taken."""
    while name in taken:
        name += "_"
    return name
