"""numnet as its user has it: a CSV file and the target's name, with nothing else said."""

import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.datasets import GAPS, Dataset, Indices, Texts
from benchmarks.tables.scores import LEVEL
from network import UNSEEN, Column
from trainer.data.reading.table_file import table_from_file
from trainer.training.recipe import Recipe
from trainer.training.trained import Trained
from trainer.training.training import train

Array = NDArray[np.float64]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class NumnetFit:
    """Predictions (N,) and intervals (N, 2) for the test half, and CPU seconds of the fit."""

    predicted: Array
    interval: Array
    seconds: float


def fit_numnet(dataset: Dataset, texts: Texts, training: Indices, test: Indices) -> NumnetFit:
    """Train on a file of the training half, and predict the test half.

    Raises
    ------
    TrainerError
        numnet refuses the file.
    """
    started = _processor_seconds()
    trained = train_on_csv(texts.as_csv(training), dataset.target)
    seconds = _processor_seconds() - started
    assessed = trained.model.assess(rows_of(texts, test, trained.model.columns), scale=True)
    offsets = trained.calibration.offsets(LEVEL)[:, 0]
    scale = np.ones(len(test)) if assessed.scale is None else assessed.scale[:, 0]
    predicted = assessed.Y[:, 0]
    return NumnetFit(predicted, predicted[:, None] + scale[:, None] * offsets, seconds)


def train_on_csv(content: str, target: str) -> Trained:
    """Return the model that `train.py --data FILE --target TARGET` would publish."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text(content, encoding="utf-8")
        return train(table_from_file(path, (target,), source=path.name), Recipe())


def rows_of(texts: Texts, indices: Indices, columns: tuple[Column, ...]) -> Array:
    """Return the rows' cells as numbers (N, columns), as the service reads a request."""
    places = [texts.header.index(column.name) for column in columns]
    return np.array(
        [
            [
                _number(column, texts.rows[index][place])
                for column, place in zip(columns, places, strict=True)
            ]
            for index in indices
        ]
    )


def _number(column: Column, cell: str) -> float:
    if cell in GAPS:
        return np.nan
    if column.kind == "number":
        return float(cell)
    if column.kind == "datetime":
        return float((date.fromisoformat(cell) - EPOCH).days)
    return float(column.values.index(cell)) if cell in column.values else UNSEEN


def _processor_seconds() -> float:
    """Return the processor time of this process and of the child processes that have ended."""
    return sum(os.times()[:4])
