"""The bins of the piecewise-linear encoding."""

import numpy as np
import pytest

from network import InputError
from network.ensemble.piecewise_linear import Ramps


def test_bins_hold_equally_many_rows() -> None:
    Z = np.random.default_rng(0).exponential(size=(1000, 2))
    ramps = Ramps.between_quantiles(Z, np.array([1]), 10)
    assert ramps.column.tolist() == [1] * 10
    edges = [*ramps.start, ramps.start[-1] + ramps.width[-1]]
    counts, _ = np.histogram(Z[:, 1], edges)
    assert (np.abs(counts - 100) <= 1).all()


def test_bins_adjoin() -> None:
    Z = np.random.default_rng(0).normal(size=(100, 1))
    ramps = Ramps.between_quantiles(Z, np.array([0]), 7)
    np.testing.assert_allclose(ramps.start[:-1] + ramps.width[:-1], ramps.start[1:])


def test_repeated_values_have_fewer_bins() -> None:
    Z = np.repeat([[0.0], [1.0], [3.0]], 50, axis=0)
    ramps = Ramps.between_quantiles(Z, np.array([0]), 32)
    assert ramps.start.tolist() == [0.0, 1.0]
    assert ramps.width.tolist() == [1.0, 2.0]


def test_a_constant_column_has_no_bins() -> None:
    assert len(Ramps.between_quantiles(np.ones((10, 1)), np.array([0]), 4)) == 0


def test_values_that_float32_cannot_tell_apart_share_an_edge() -> None:
    Z = 1000.0 + np.array([[0.0], [1e-9], [2e-9], [1.0]])
    ramps = Ramps.between_quantiles(Z, np.array([0]), 16)
    assert ramps.width.min() > 1e-3


def test_ramps_rise_inside_their_bins() -> None:
    ramps = Ramps(np.array([0, 0, 1]), np.array([0.0, 1.0, -2.0]), np.array([1.0, 2.0, 4.0]))
    Z = np.array([[-1.0, 0.0], [0.25, 5.0], [2.0, -2.0]])
    expected = [[-0.5, -0.5, 0.0], [-0.25, -0.5, 0.5], [0.5, 0.0, -0.5]]
    np.testing.assert_allclose(ramps.encode(Z), expected)


@pytest.mark.parametrize(
    ("column", "start", "width", "message"),
    [
        ([0], [0.0, 1.0], [1.0, 1.0], "one length"),
        ([1, 0], [0.0, 1.0], [1.0, 1.0], "ordered"),
        ([0, 0], [1.0, 0.0], [1.0, 1.0], "ordered"),
        ([0, 0], [0.0, 1.0], [1.0, 0.0], "widths above 0"),
        ([-1, 0], [0.0, 1.0], [1.0, 1.0], "columns of 0 or more"),
        ([0, 0], [0.0, np.nan], [1.0, 1.0], "finite"),
    ],
)
def test_ramps_that_are_not_ordered_bins_are_refused(
    column: list[int], start: list[float], width: list[float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Ramps(np.array(column), np.array(start), np.array(width))
