"""Sessions of onnxruntime for the models of `tests.export.models`."""

from typing import Any

import numpy as np
import onnxruntime

from export import Source
from tests.export.models import LEVEL, Example


def source(example: Example, level: float | None = LEVEL, form: str = "") -> Source:
    return Source("houses", 7, example.model, {}, example.calibration, level, form)


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def inputs_of(example: Example) -> dict[str, Any]:
    """Return the rows of an example as the inputs of a session."""
    rows = [example.cells(row) for row in range(len(example.X))]
    found: dict[str, Any] = {}
    for column in example.model.columns:
        cells = [row[column.name] for row in rows]
        if column.kind == "category":
            found[column.name] = np.array([[cell or ""] for cell in cells], dtype=object)
        else:
            found[column.name] = np.array(cells, dtype=np.float64)[:, None]
    return found
