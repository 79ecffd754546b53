"""What a trained ensemble knows: intervals that cover new rows, familiar rows, importance."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from network import Array, Ensemble
from network.column import numbers
from trainer.data.table import Table
from trainer.training.recipe import Recipe
from trainer.training.trained import Trained
from trainer.training.training import train

FEATURES = ("x1", "x2", "x3")


def draw(rows: int, seed: int) -> tuple[Array, Array]:
    """Draw rows whose noise grows with x1; x2 and x3 are correlated, and x3 has no effect."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    X[:, 2] = X[:, 1] + 0.1 * X[:, 2]
    signal = np.sin(X[:, 0]) + X[:, 1]
    noise = 0.2 * np.exp(0.7 * X[:, 0])[:, None] * rng.normal(size=(rows, 2))
    return X, np.column_stack([signal, -10.0 * signal]) + noise * [1.0, 10.0]


@cache
def trained(loss: str = "squared") -> Trained:
    X, Y = draw(500, 5)
    table = Table(numbers(FEATURES), ("y", "z"), X, Y, "made")
    quantile = 0.8 if loss == "quantile" else 0.5
    # without a time limit, because a slow machine would train for fewer epochs
    return train(table, Recipe(solver="ensemble", loss=loss, quantile=quantile, max_seconds=1e6))


def errors_of_thirds(within: NDArray[np.bool_], X: Array) -> float:
    """Return the greatest difference from 0.9 of the coverage in a third of the rows by x1."""
    thirds = np.array_split(np.argsort(X[:, 0]), 3)
    return max(float(abs(within[third].mean(axis=0) - 0.9).max()) for third in thirds)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["squared", "huber", "quantile"])
def test_intervals_cover_new_rows_everywhere(loss: str) -> None:
    model, calibration = trained(loss).model, trained(loss).calibration
    X, Y = draw(6_000, 2)
    assessment = model.assess(X, scale=True)
    assert assessment.scale is not None
    lower, upper = calibration.offsets(0.9)
    ends = [assessment.Y + each * assessment.scale for each in (lower, upper)]
    within = (ends[0] <= Y) & (ends[1] >= Y)
    assert abs(within.mean() - 0.9) < 0.04
    for beyond in (ends[0] > Y, ends[1] < Y):
        assert abs(beyond.mean() - 0.05) < 0.03
    assert errors_of_thirds(within, X) < 0.12
    residuals = abs(Y - assessment.Y)
    of_equal_widths = residuals <= np.quantile(residuals, 0.9, axis=0)
    assert errors_of_thirds(of_equal_widths, X) > 0.15


@pytest.mark.slow
def test_intervals_are_wider_where_there_is_more_noise() -> None:
    X, _ = draw(1_000, 2)
    scale = trained().model.assess(X, scale=True).scale
    assert scale is not None
    quiet, loud = X[:, 0] < -1.0, X[:, 0] > 1.0
    assert (scale[loud].mean(axis=0) > 3.0 * scale[quiet].mean(axis=0)).all()


@pytest.mark.slow
def test_combinations_that_training_had_not_are_unfamiliar() -> None:
    X, _ = draw(1_000, 2)
    broken = X * [1.0, 1.0, -1.0]
    model = trained().model
    found, of_broken = (model.assess(rows).unfamiliar for rows in (X, broken))
    assert found is not None
    assert of_broken is not None
    assert found.mean() < 0.02
    assert of_broken.mean() > 0.5


@pytest.mark.slow
def test_the_card_has_coverage_by_thirds_and_the_importance_of_features() -> None:
    card = trained().card
    intervals = card["metrics"]["calibration"]
    assert intervals["rows"] == 500
    assert list(intervals["half_widths"]) == list(intervals["coverage_out_of_fold"])
    for target in ("y", "z"):
        assert intervals["coverage_out_of_fold"]["0.9"][target] == pytest.approx(0.9, abs=0.01)
        for thirds in intervals["thirds"]["targets"][target].values():
            assert len(thirds) == 3
            assert np.mean([third["coverage"] for third in thirds]) == pytest.approx(0.9, abs=0.01)
        assert next(iter(card["importance"]["increases"][target])) in {"x1", "x2"}
    half_widths = intervals["half_widths"]["0.9"]
    assert half_widths["z"] == pytest.approx(10.0 * half_widths["y"], rel=0.3)


@pytest.mark.slow
def test_a_training_with_the_same_seed_has_the_same_bits() -> None:
    first, second = trained(), trained.__wrapped__()
    assert first.calibration.scores.tobytes() == second.calibration.scores.tobytes()
    X, _ = draw(50, 3)
    assert isinstance(first.model, Ensemble)
    scales = [each.model.assess(X, scale=True).scale for each in (first, second)]
    assert scales[0] is not None
    assert scales[1] is not None
    assert scales[0].tobytes() == scales[1].tobytes()
    assert first.card["importance"] == second.card["importance"]
