"""Scores of predictions and intervals, against hand-computed values."""

import numpy as np
import pytest

from benchmarks.tables.scores import interval_score, rmse, thirds, within

Y = np.array([0.0, 1.0, 4.0])
INTERVAL = np.array([[-1.0, 1.0], [2.0, 3.0], [0.0, 3.0]])


def test_rmse_is_the_root_of_the_mean_square() -> None:
    assert rmse(np.array([1.0, 2.0]), np.array([4.0, -2.0])) == pytest.approx(np.sqrt(12.5))


def test_within_includes_the_ends() -> None:
    assert within(np.array([1.0, 2.0, 3.5]), INTERVAL).tolist() == [True, True, False]


def test_interval_score_adds_the_width_and_twenty_times_the_miss() -> None:
    # widths 2, 1 and 3; misses 0, 1 and 1; 2/(1 − 0.9) = 20
    assert interval_score(Y, INTERVAL) == pytest.approx((6.0 + 20.0 * 2.0) / 3.0)


def test_thirds_are_by_width() -> None:
    assert thirds(INTERVAL).tolist() == [1, 0, 2]
    assert np.bincount(thirds(np.zeros((7, 2)))).tolist() == [3, 2, 2]
