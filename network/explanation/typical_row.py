"""The row that explanations start from: each input has its mean in training."""

import numpy as np

from network.arrays import Array
from network.column import Column
from network.encoding import EQUALS, SCALED, Encoding
from network.model import Model
from network.predictor import Predictor


def typical_row(model: Predictor) -> Array:
    """Return a row (features,) like the middle of the training rows.

    A number or a date has its mean, a boolean the more frequent word, and a category its most
    frequent value. All of them are within their range in training.
    """
    if isinstance(model, Model) and model.encoding is None:
        found = model.feature_scaling.shift
    else:
        encoding: Encoding = vars(model)["encoding"]  # all other models have one
        columns = enumerate(model.columns)
        found = np.array([_typical(encoding, index, column) for index, column in columns])
    least, greatest = model.feature_range
    row: Array = np.clip(np.where(np.isnan(found), (least + greatest) / 2, found), least, greatest)
    for index, column in enumerate(model.columns):
        if column.kind in ("boolean", "category"):
            row[index] = max(np.round(row[index]), 0.0)
    return row


def _typical(encoding: Encoding, index: int, column: Column) -> float:
    """Return a column's mean, or its most frequent category; NaN if no input has them."""
    operation = EQUALS if column.kind == "category" else SCALED
    (inputs,) = np.nonzero((encoding.column == index) & (encoding.operation == operation))
    if not len(inputs):
        return float("nan")
    best = inputs[np.argmax(encoding.mean[inputs])]
    is_category = operation == EQUALS
    mean = 0.0 if is_category else encoding.scale[best] * encoding.mean[best]
    return float(encoding.shift[best] + mean)
