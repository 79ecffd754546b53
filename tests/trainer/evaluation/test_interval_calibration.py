"""Prediction intervals of trained models: calibration on test rows, coverage of new rows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from network import LOSSES, Array, Rows
from network.column import numbers
from registry import Registry
from trainer.data.split import held_out, split
from trainer.data.synthetic import synthetic_table, synthetic_target
from trainer.data.table import Table
from trainer.evaluation.interval_calibration import LEVELS, MAX_ROWS, calibrate
from trainer.training.recipe import Recipe
from trainer.training.trained import Trained
from trainer.training.training import train

MakeTable = Callable[..., Table]
CHEAP = Recipe(layers=(6,), epochs=40, starts=1)
SHORT = Recipe(layers=(5, 4), epochs=4, starts=1)
NOISE = 0.3


def noisy(rows: int, seed: int) -> tuple[Array, Array]:
    """Draw new rows of the example task, with noise that grows with x1."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, (rows, 4))
    y = synthetic_target(X) + NOISE * (1.2 + X[:, 0]) * rng.normal(size=rows)
    return X, y[:, None]


def trained_on_noise(rows: int, seed: int, **changes: object) -> Trained:
    X, Y = noisy(rows, seed)
    table = Table(numbers(("x1", "x2", "x3", "x4")), ("y",), X, Y, "made")
    return train(table, replace(CHEAP, seed=seed, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(4))
def test_intervals_cover_new_rows_at_their_level(seed: int, loss: str) -> None:
    trained = trained_on_noise(2000, seed, loss=loss)
    fresh = 20_000
    X, Y = noisy(fresh, 1000 + seed)
    residuals = Y - trained.model.predict(X)
    n = len(trained.calibration)
    assert n == 200
    for level in LEVELS:
        lower, upper = trained.calibration.offsets(level)
        coverage = float(((lower <= residuals) & (residuals <= upper)).mean())
        # given the calibration rows, the coverage is Beta distributed; counting adds variance
        deviation = np.sqrt(level * (1 - level) * (1 / (n + 2) + 1 / fresh))
        assert abs(coverage - level) < 4 * deviation + 1 / (n + 1), (level, coverage)


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_intervals_of_a_quantile_leave_out_as_many_rows_on_both_sides(quantile: float) -> None:
    trained = trained_on_noise(4000, 0, loss="quantile", quantile=quantile)
    X, Y = noisy(20_000, 1000)
    residuals = Y - trained.model.predict(X)
    lower, upper = trained.calibration.offsets(0.8)
    # of 400 calibration rows: a standard deviation of 0.015
    assert (residuals < lower).mean() == pytest.approx(0.1, abs=0.05)
    assert (residuals > upper).mean() == pytest.approx(0.1, abs=0.05)
    assert (residuals < 0).mean() == pytest.approx(quantile, abs=0.05)


@pytest.mark.slow
def test_mean_coverage_over_many_trainings_is_at_least_the_level() -> None:
    covered = []
    for seed in range(60):
        trained = trained_on_noise(200, seed, epochs=15)
        X, Y = noisy(500, 1000 + seed)
        errors = np.abs(Y - trained.model.predict(X))
        covered.append([(errors <= trained.calibration.half_widths(p)).mean() for p in LEVELS])
    means, deviations = np.mean(covered, axis=0), np.std(covered, axis=0) / 60**0.5
    assert (means > np.array(LEVELS) - 4 * deviations).all()
    assert (means < np.array(LEVELS) + 1 / 21 + 4 * deviations).all()


def test_scores_are_those_of_the_test_rows_only(make_table: MakeTable) -> None:
    table = make_table(rows=60, targets=3)
    trained = train(table, SHORT)
    test = held_out(table)
    errors = np.abs(test.Y - trained.model.predict(test.X))
    assert trained.calibration.scores.tobytes() == np.sort(errors, axis=0).tobytes()


def test_weights_do_not_affect_the_calibration(make_table: MakeTable) -> None:
    table = make_table(rows=60)
    weights = np.linspace(1.0, 9.0, 60)
    trained = train(replace(table, weights=weights, weights_name="w"), SHORT)
    test = held_out(table)
    errors = np.abs(test.Y - trained.model.predict(test.X))
    assert trained.calibration.scores.tobytes() == np.sort(errors, axis=0).tobytes()


def test_the_calibration_uses_at_most_max_rows_test_rows() -> None:
    test = Rows(np.zeros((MAX_ROWS + 7, 1)), np.arange(MAX_ROWS + 7.0)[::-1, None])
    calibration = calibrate(np.zeros_like(test.Y), test)
    assert len(calibration) == MAX_ROWS
    assert (calibration.scores[0], calibration.scores[-1]) == (7.0, MAX_ROWS + 6.0)


def test_the_card_has_half_widths_and_their_coverage_of_validation_rows(
    make_table: MakeTable,
) -> None:
    table = make_table(rows=200, targets=2)
    trained = train(table, SHORT)
    report = trained.card["metrics"]["calibration"]
    assert report["rows"] == 20
    assert list(report["half_widths"]) == ["0.5", "0.8", "0.9", "0.95"]
    split_rng, _ = np.random.default_rng(SHORT.seed).spawn(2)
    validation = split(table, split_rng).validation
    errors = np.abs(validation.Y - trained.model.predict(validation.X))
    for level, half_widths in report["half_widths"].items():
        q = trained.calibration.half_widths(float(level))
        assert half_widths == dict(zip(table.targets, q.tolist(), strict=True))
        shares = report["coverage_of_validation_rows"][level]
        assert list(shares.values()) == (errors <= q).mean(axis=0).tolist()


def test_the_card_omits_levels_that_need_more_rows(make_table: MakeTable) -> None:
    report = train(make_table(rows=60), SHORT).card["metrics"]["calibration"]
    assert report["rows"] == 6
    assert list(report["half_widths"]) == ["0.5", "0.8"]


def test_a_published_version_is_loaded_with_its_scores(tmp_path: Path) -> None:
    trained = train(synthetic_table(100, 0), SHORT)
    registry = Registry.local(tmp_path)
    published = registry.publish(
        trained.model, trained.card, trained.golden_inputs, trained.calibration
    )
    loaded = registry.load(published.number)
    assert loaded.calibration is not None
    assert loaded.calibration.scores.tobytes() == trained.calibration.scores.tobytes()
    assert loaded.card["metrics"]["calibration"]["rows"] == 10
