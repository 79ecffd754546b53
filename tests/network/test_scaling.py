"""Scaling to mean 0 and standard deviation 1, and columns that need care."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Scaling, ScalingError


def test_scaled_columns_have_mean_zero_and_deviation_one() -> None:
    data = np.random.default_rng(0).normal([5.0, -3e6], [0.01, 4e5], (500, 2))
    scaled = Scaling.of(data).apply(data)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, rtol=1e-12)


@given(
    st.lists(
        st.tuples(st.floats(-1e9, 1e9), st.floats(-1e-3, 1e-3)),
        min_size=1,
        max_size=30,
    )
)
def test_shift_and_scale_invert_apply(rows: list[tuple[float, float]]) -> None:
    data = np.array(rows)
    scaling = Scaling.of(data)
    largest = np.abs(data).max(axis=0)
    restored = scaling.apply(data) * scaling.scale + scaling.shift
    assert (np.abs(restored - data) <= 1e-14 * largest).all()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e300, 1.7e9 + 0.3])
def test_constant_column_becomes_exactly_zero(value: float) -> None:
    data = np.column_stack([np.full(7, value), np.arange(7.0)])  # the mean of seven 0.1 is not 0.1
    scaling = Scaling.of(data)
    assert (scaling.shift[0], scaling.scale[0]) == (value, 1.0)
    np.testing.assert_array_equal(scaling.apply(data)[:, 0], 0.0)
    assert scaling.scale[1] == 2.0


def test_single_row_is_constant_in_every_column() -> None:
    np.testing.assert_array_equal(Scaling.of(np.array([[3.0, 4.0]])).scale, 1.0)


@pytest.mark.parametrize("size", [1e-150, 1e-200, 1e-280])
def test_column_whose_squares_underflow_has_its_deviation_as_scale(size: float) -> None:
    data = np.random.default_rng(0).normal(2.0, 1.0, (100, 1))
    scaling = Scaling.of(np.hstack([data, size * data]))
    np.testing.assert_allclose(scaling.scale[1], size * scaling.scale[0], rtol=1e-12)
    np.testing.assert_allclose(scaling.shift[1], size * scaling.shift[0], rtol=1e-12)


def test_column_whose_deviation_has_no_finite_reciprocal_has_scale_one() -> None:
    assert Scaling.of(np.array([[0.0], [1e-310]])).scale[0] == 1.0


@pytest.mark.parametrize("outlier", [1e3, 1e6, -1e90])
def test_robust_scaling_is_that_of_the_rows_without_outliers(outlier: float) -> None:
    data = np.random.default_rng(0).normal(3.0, 2.0, (1000, 1))
    plain = Scaling.of(data)
    with_outliers = np.vstack([data, np.full((200, 1), outlier)])
    robust = Scaling.of(np.hstack([with_outliers, -with_outliers]), robust=True)
    np.testing.assert_array_equal(robust.scale, [plain.scale[0]] * 2)
    np.testing.assert_array_equal(robust.shift, [plain.shift[0], -plain.shift[0]])


def test_robust_scaling_without_outliers_is_the_plain_one() -> None:
    data = np.random.default_rng(0).normal([3.0, -1e9], [2.0, 1.0], (1000, 2))
    plain, robust = Scaling.of(data), Scaling.of(data, robust=True)
    np.testing.assert_allclose(robust.scale, plain.scale, rtol=1e-12)
    np.testing.assert_allclose(robust.shift, plain.shift, rtol=1e-12)


@pytest.mark.parametrize("zeros", [60, 85, 93, 97])
def test_robust_scaling_of_mostly_equal_values_keeps_the_others(zeros: int) -> None:
    data = np.r_[np.zeros(zeros), np.linspace(1.0, 2.0, 100 - zeros)][:, None]
    np.testing.assert_allclose(
        Scaling.of(data, robust=True).scale, Scaling.of(data).scale, rtol=1e-12
    )


def test_timestamp_is_scaled_without_losing_fractions_of_a_second() -> None:
    offsets = np.arange(-64, 65)[:, None] / 64
    scaling = Scaling(np.array([1.7e9]), np.array([0.5]))
    np.testing.assert_array_equal(scaling.apply(1.7e9 + offsets), offsets / 0.5)


@pytest.mark.parametrize(
    ("shift", "scale", "message"),
    [
        ([0.0, 0.0], [1.0], r"vectors of the same length, got shapes \(2,\) and \(1,\)"),
        ([[0.0]], [[1.0]], r"vectors of the same length, got shapes \(1, 1\) and \(1, 1\)"),
        (0.0, 1.0, r"vectors of the same length, got shapes \(\) and \(\)"),
        ([np.nan], [1.0], "shift and scale must be finite"),
        ([0.0], [np.inf], "shift and scale must be finite"),
        ([0.0, 0.0], [1.0, 0.0], "every scale must be above 0"),
        ([0.0], [-1.0], "every scale must be above 0"),
    ],
)
def test_invalid_scaling_is_refused(shift: Any, scale: Any, message: str) -> None:
    with pytest.raises(ScalingError, match=message):
        Scaling(shift, scale)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1.7e308])
def test_data_without_a_finite_mean_and_deviation_is_refused(wrong: float) -> None:
    with pytest.raises(ScalingError, match="must be finite"):
        Scaling.of(np.array([[wrong], [1e308]]))


def test_scaling_is_frozen_and_copies_its_arrays() -> None:
    shift, scale = np.array([1.0]), np.array([2.0])
    scaling = Scaling(shift, scale)
    shift[0], scale[0] = 100.0, 200.0
    np.testing.assert_array_equal(scaling.apply(np.array([[5.0]])), [[2.0]])
    with pytest.raises(ValueError, match="read-only"):
        scaling.shift[0] = 3.0
    with pytest.raises(FrozenInstanceError):
        scaling.scale = scale  # type: ignore[misc]  # what is tested
