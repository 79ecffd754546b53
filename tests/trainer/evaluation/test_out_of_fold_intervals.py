"""The report on intervals out of fold: mean widths, coverage, and thirds."""

from typing import Any

import numpy as np
import pytest

from network import Array, Calibration
from trainer.evaluation.out_of_fold_intervals import out_of_fold_intervals

TARGETS = ("y", "z")


def report(rows: int, seed: int = 0) -> tuple[dict[str, Any], Calibration, Array, Array, Array]:
    """Return a report with what it is of: the scale is right for y, and always 1 for z."""
    rng = np.random.default_rng(seed)
    Y_hat, scale = rng.normal(size=(rows, 2)), np.ones((rows, 2))
    sizes = np.exp(Y_hat)
    scale[:, 0] = sizes[:, 0]
    residuals = sizes * rng.normal(size=(rows, 2))
    calibration = Calibration.of(np.zeros_like(residuals), residuals, scale, signed=True)
    found = out_of_fold_intervals(calibration, Y_hat, residuals, scale, TARGETS)
    return found, calibration, Y_hat, residuals, scale


def test_half_widths_and_coverage_are_those_of_the_calibration() -> None:
    found, calibration, _, residuals, scale = report(400)
    assert (found["rows"], found["highest_level"]) == (400, 399 / 401)
    assert list(found["half_widths"]) == ["0.5", "0.8", "0.9", "0.95"]
    for level, half_widths in found["half_widths"].items():
        lower, upper = calibration.offsets(float(level))
        expected = (scale * (upper - lower) / 2).mean(axis=0)
        assert list(half_widths.values()) == pytest.approx(expected.tolist())
        within = (lower * scale <= residuals) & (residuals <= upper * scale)
        shares = found["coverage_out_of_fold"][level]
        assert list(shares.values()) == within.mean(axis=0).tolist()


def test_thirds_show_where_a_single_width_is_wrong() -> None:
    found, *_ = report(3_000)
    assert found["thirds"]["level"] == 0.9
    right, wrong = (found["thirds"]["targets"][target]["by_prediction"] for target in TARGETS)
    for third in right:
        assert third["coverage"] == pytest.approx(0.9, abs=0.03)
    assert [third["coverage"] for third in wrong] == sorted(
        (third["coverage"] for third in wrong), reverse=True
    )
    assert wrong[0]["coverage"] - wrong[2]["coverage"] > 0.2


def test_thirds_are_of_ascending_predictions_and_widths() -> None:
    found, _, Y_hat, _, _ = report(300)
    thirds = found["thirds"]["targets"]["y"]
    for each in thirds.values():
        bounds = [third[end] for third in each for end in ("from", "to")]
        assert bounds == sorted(bounds)
    assert thirds["by_prediction"][0]["from"] == Y_hat[:, 0].min()
    assert thirds["by_prediction"][2]["to"] == Y_hat[:, 0].max()
    widths = [third["half_width"] for third in thirds["by_half_width"]]
    assert widths == sorted(widths)


def test_levels_that_need_more_rows_are_left_out() -> None:
    found, *_ = report(8)
    assert list(found["half_widths"]) == ["0.5"]
    assert "thirds" not in found
