"""The inputs of models, gathered row by row."""

from dataclasses import replace

import numpy as np
import pytest

from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Floats
from tests.trainer.ensemble.conftest import MakeData
from trainer.ensemble import data as module
from trainer.ensemble.data import Inputs

RAMPS = Ramps(np.array([0, 0, 2]), np.array([-1.0, 0.2, -0.5]), np.array([1.2, 0.7, 2.0]))


@pytest.mark.parametrize("limit", [0, module.MAX_RAMPS], ids=["computed", "kept"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_and_ramps_of_rows(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch, dtype: type, limit: int
) -> None:
    monkeypatch.setattr(module, "MAX_RAMPS", limit)
    data = make_data()
    data = replace(data, X=data.X.astype(dtype))
    rows = np.array([3, 199, 3, 0])
    Z: Floats = np.empty((4, data.inputs), dtype)
    R: Floats = np.empty((4, len(RAMPS)), dtype)
    Inputs(data, RAMPS, dtype).gather(rows, Z, R)
    np.testing.assert_array_equal(Z, data.X[rows])
    np.testing.assert_allclose(R, RAMPS.encode(data.X[rows].astype(float)), atol=1e-5)


def test_without_ramps_nothing_is_written(make_data: MakeData) -> None:
    data = make_data()
    Z, R = np.empty((2, data.inputs), np.float32), np.empty((2, 0), np.float32)
    Inputs(data, Ramps.none()).gather(np.array([5, 7]), Z, R)
    np.testing.assert_array_equal(Z, data.X[[5, 7]])


def test_every_kth_row_is_in_one_chunk(
    make_data: MakeData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 16)
    data = make_data(100)
    rows = np.concatenate([np.arange(100)[part] for part in data.chunks(3)])
    assert rows.tolist() == list(range(0, 100, 3))
