"""The simpler models that a network is compared with."""

import numpy as np
import pytest

from network import Rows
from trainer.evaluation.baselines import MAX_INPUTS, baseline_predictions

rng = np.random.default_rng(0)
Z, Z_TEST = rng.normal(size=(50, 3)), rng.normal(size=(7, 3))
SLOPES = np.array([[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]])
WEIGHTS = rng.uniform(0.5, 2.0, 50)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_the_linear_model_reproduces_linear_targets(weights: np.ndarray | None) -> None:
    found = baseline_predictions(Rows(Z, Z @ SLOPES + 4.0, weights), Z, Z_TEST)
    assert found["linear"] == pytest.approx(Z_TEST @ SLOPES + 4.0, abs=1e-6)
    mean = np.average(Z @ SLOPES + 4.0, axis=0, weights=weights)
    assert found["mean"] == pytest.approx(np.tile(mean, (7, 1)))


def test_equal_and_constant_inputs_do_no_harm() -> None:
    twice = np.hstack([Z, Z, np.zeros((50, 1))])
    test = np.hstack([Z_TEST, Z_TEST, np.zeros((7, 1))])
    found = baseline_predictions(Rows(twice, Z @ SLOPES), twice, test)
    assert found["linear"] == pytest.approx(Z_TEST @ SLOPES, abs=1e-5)


def test_constant_inputs_alone_give_the_mean() -> None:
    zeros = np.zeros((50, 1))
    found = baseline_predictions(Rows(zeros, Z[:, :1]), zeros, np.zeros((2, 1)))
    assert found["linear"] == pytest.approx(found["mean"])


def test_too_many_inputs_have_no_linear_model() -> None:
    wide = np.zeros((4, MAX_INPUTS + 1))
    found = baseline_predictions(Rows(wide, wide[:, :1]), wide, wide)
    assert found.keys() == {"mean"}
