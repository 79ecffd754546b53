"""MSE, RMSE, MAE and R² against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error, r2_score

from trainer.evaluation.regression_metrics import regression_metrics

NAMES = ("u", "v", "w")


@pytest.mark.parametrize("targets", [1, 2, 3])
@pytest.mark.parametrize("rows", [2, 50])
def test_metrics_agree_with_scikit_learn(rows: int, targets: int) -> None:
    rng = np.random.default_rng([rows, targets])
    Y = rng.normal(3.0, [1.0, 10.0, 0.1][:targets], (rows, targets))
    Y_hat = Y + rng.normal(0.0, 0.5, Y.shape)
    metrics = regression_metrics(Y_hat, Y, NAMES[:targets])
    assert metrics["mse"] == pytest.approx(mean_squared_error(Y, Y_hat), rel=1e-12)
    assert metrics["rmse"] == metrics["mse"] ** 0.5
    assert metrics["r2"] == pytest.approx(r2_score(Y, Y_hat), rel=1e-12)
    if targets == 1:
        assert "targets" not in metrics
        return
    assert list(metrics["targets"]) == list(NAMES[:targets])
    for y, y_hat, each in zip(Y.T, Y_hat.T, metrics["targets"].values(), strict=True):
        assert each["mse"] == pytest.approx(mean_squared_error(y, y_hat), rel=1e-12)
        assert each["r2"] == pytest.approx(r2_score(y, y_hat), rel=1e-12)


def test_r2_is_one_for_the_truth_and_zero_for_the_mean() -> None:
    Y = np.arange(5.0)[:, None]
    assert regression_metrics(Y, Y, ("u",)) == {
        "mse": 0.0,
        "rmse": 0.0,
        "mae": 0.0,
        "r2": 1.0,
    }
    assert regression_metrics(np.full_like(Y, 2.0), Y, ("u",))["r2"] == 0.0


def test_r2_is_undefined_if_a_target_is_constant() -> None:
    Y = np.column_stack([np.full(5, 7.0), np.arange(5.0)])
    metrics = regression_metrics(Y + 1.0, Y, ("u", "v"))
    assert metrics["r2"] is metrics["targets"]["u"]["r2"] is None
    assert metrics["targets"]["v"]["r2"] == 0.5
    assert regression_metrics(Y[:1], Y[:1], ("u", "v"))["r2"] is None


@pytest.mark.parametrize("targets", [1, 3])
def test_weighted_metrics_agree_with_scikit_learn(targets: int) -> None:
    rng = np.random.default_rng(targets)
    Y = rng.normal(size=(40, targets))
    Y_hat, weights = Y + rng.normal(size=Y.shape), rng.uniform(0.1, 9.0, 40)
    metrics = regression_metrics(Y_hat, Y, NAMES[:targets], weights)
    assert metrics["mse"] == pytest.approx(mean_squared_error(Y, Y_hat, sample_weight=weights))
    assert metrics["r2"] == pytest.approx(r2_score(Y, Y_hat, sample_weight=weights))
