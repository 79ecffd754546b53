"""Stacking: weights that are not negative, sum to one and have the least loss."""

import numpy as np
import pytest

from network import Array, Huber, Loss, Quantile, Squared
from trainer.ensemble.stacking import stack

LOSSES = [Squared(), Huber(0.3), Quantile(0.8)]


def problem() -> tuple[Array, Array, Array]:
    """Return predictions, targets and weights."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    predictions = y + rng.normal(size=(3, 400)) * np.array([[0.5], [0.7], [1.5]])
    return predictions, y, rng.uniform(0.5, 1.5, 400)


def least_on_a_grid(predictions: Array, y: Array, weights: Array | None, loss: Loss) -> float:
    ticks = np.linspace(0.0, 1.0, 51)
    grid = [(a, b, 1.0 - a - b) for a in ticks for b in ticks if a + b <= 1.0]
    return min(loss.total((np.array(w) @ predictions - y)[None], weights) for w in grid)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_no_weights_on_a_grid_have_a_smaller_loss(loss: Loss, weighted: bool) -> None:
    predictions, y, weights = problem()
    rows = weights if weighted else None
    w = stack(predictions, y, rows, loss)
    assert w.sum() == pytest.approx(1.0)
    assert (w >= 0.0).all()
    least = least_on_a_grid(predictions, y, rows, loss)
    assert loss.total((w @ predictions - y)[None], rows) <= least * (1.0 + 1e-4)


def test_a_model_that_does_not_help_has_weight_zero() -> None:
    _, y, _ = problem()
    rng = np.random.default_rng(1)
    predictions = np.stack((y + 0.1 * rng.normal(size=len(y)), -y))
    assert stack(predictions, y, None, Squared()).tolist() == [1.0, 0.0]


def test_one_model_has_weight_one() -> None:
    predictions, y, _ = problem()
    assert stack(predictions[:1], y, None, Squared()).tolist() == [1.0]
