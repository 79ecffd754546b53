"""Errors of predictions for rows that a model was not trained on and their confidence interval."""

import json
from typing import Any

import numpy as np
import pytest

from network import Array, Rows
from trainer.evaluation.judged_metrics import judged_metrics

ERRORS = np.array([1.0, -2.0, 0.5, 1.5])


def metrics(weights: Array | None) -> dict[str, Any]:
    rows = Rows(np.zeros((4, 1)), np.zeros((4, 1)), weights)
    return judged_metrics(ERRORS[:, None], rows, ("y",), {})


def test_the_interval_is_that_of_the_mean_squared_error() -> None:
    squares = ERRORS**2
    error = squares.std() / np.sqrt(4)
    ends = np.sqrt(squares.mean() + 1.959964 * error * np.array([-1.0, 1.0]))
    assert metrics(None)["rmse_95"] == pytest.approx(ends)


def test_the_interval_is_unknown_if_one_row_has_nearly_all_weight() -> None:
    found = metrics(np.array([1e12, 1.0, 1.0, 1.0]))
    assert found["rmse"] == pytest.approx(1.0)
    assert found["rmse_95"] is None
    json.dumps(found, allow_nan=False)
