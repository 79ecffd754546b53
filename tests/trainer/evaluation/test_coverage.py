"""The coverage of intervals by their level."""

import numpy as np
import pytest

from network import Calibration
from trainer.evaluation.coverage import LEVELS, coverage_by_level, cross_coverage_by_level

RESIDUALS = np.random.default_rng(1).normal(size=(4_000, 2))
ONES = np.ones_like(RESIDUALS)


@pytest.mark.parametrize("signed", [False, True])
def test_coverage_of_rows_of_the_same_origin_is_near_the_level(signed: bool) -> None:
    zeros = np.zeros((2_000, 2))
    calibration = Calibration.of(zeros, RESIDUALS[:2_000], signed=signed)
    found = coverage_by_level(calibration, RESIDUALS[2_000:], ONES[2_000:], ("a", "b"))
    assert (found["rows"], found["levels"]) == (2_000, list(LEVELS))
    for shares in found["targets"].values():
        assert shares == pytest.approx(LEVELS, abs=0.06)  # four standard deviations of both halves


def test_halves_of_other_spread_show_in_the_coverage() -> None:
    residuals = RESIDUALS.copy()
    residuals[::2] *= 10.0
    zeros = np.zeros_like(residuals)
    found = cross_coverage_by_level(zeros, residuals, ONES, ("a", "b"), signed=True)
    same = cross_coverage_by_level(
        zeros,
        residuals,
        np.where(np.arange(4_000)[:, None] % 2, ONES, 10.0),
        ("a", "b"),
        signed=True,
    )
    at = LEVELS.index(0.8)
    assert found["targets"]["a"][at] < 0.65
    assert same["targets"]["a"] == pytest.approx(LEVELS, abs=0.06)


def test_levels_that_few_rows_cannot_guarantee_are_left_out() -> None:
    zeros = np.zeros((4, 1))
    found = cross_coverage_by_level(zeros, RESIDUALS[:4, :1], ONES[:4, :1], ("a",), signed=False)
    assert max(found["levels"]) <= 2 / 3
    assert len(found["targets"]["a"]) == len(found["levels"])


def test_two_rows_with_signed_scores_have_no_level() -> None:
    zeros = np.zeros((2, 1))
    found = cross_coverage_by_level(zeros, RESIDUALS[:2, :1], ONES[:2, :1], ("a",), signed=True)
    assert found == {"rows": 2, "levels": [], "targets": {"a": []}}
