"""Losses: their formulas, slopes, and what they fit."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from network import (
    Architecture,
    Array,
    Backpropagation,
    Huber,
    Loss,
    LossError,
    Quantile,
    Rows,
    Squared,
)
from tests.network import textbook
from tests.network.problems import EVERY_LOSS, WITH_AND_WITHOUT_WEIGHTS

EVERY_QUANTILE = pytest.mark.parametrize("q", [0.05, 0.25, 0.5, 0.9])


def total(loss: Loss, *residuals: float) -> float:
    return loss.total(np.array([residuals]), None)


def slope(loss: Loss, *residuals: float) -> Array:
    """Return ρ′ of each residual."""
    out = np.array(residuals)
    loss.slope(out[None, :], None)
    return out


def two_targets(weighted: bool) -> tuple[Array, Array | None]:
    """Return residuals (2, 400), from far inside every kink to far outside, and weights."""
    rng = np.random.default_rng(1)
    residuals = 10.0 ** rng.uniform(-6, 2, (2, 400)) * rng.choice([-1.0, 1.0], (2, 400))
    return residuals, rng.uniform(0.1, 3.0, 400) if weighted else None


# --- every loss


@EVERY_LOSS
@WITH_AND_WITHOUT_WEIGHTS
def test_total_is_the_weighted_sum_of_the_textbook_costs(loss: Loss, weighted: bool) -> None:
    residuals, weights = two_targets(weighted)
    costs = textbook.cost(loss, residuals)
    expected = (costs if weights is None else costs * weights).sum()
    assert loss.total(residuals, weights) == pytest.approx(expected, rel=1e-12)


@EVERY_LOSS
@WITH_AND_WITHOUT_WEIGHTS
def test_slope_is_the_weighted_textbook_slope_of_each_residual(loss: Loss, weighted: bool) -> None:
    residuals, weights = two_targets(weighted)
    slopes = textbook.cost_slope(loss, residuals)
    expected = slopes if weights is None else slopes * weights
    loss.slope(residuals, weights)
    np.testing.assert_allclose(residuals, expected, rtol=1e-13)


@EVERY_LOSS
def test_slope_is_the_derivative_of_total(loss: Loss) -> None:
    for kink in (0.5, Quantile.KINK):
        for r in kink * np.array([-3.0, -1.2, -0.8, -0.1, 0.1, 0.8, 1.2, 3.0]):
            step = 1e-4 * kink
            central = (total(loss, r + step) - total(loss, r - step)) / (2 * step)
            rounding = np.finfo(float).eps / step  # of the difference of two totals
            assert slope(loss, r)[0] == pytest.approx(central, rel=1e-9, abs=rounding)


@EVERY_LOSS
def test_total_changes_no_argument_and_slope_only_the_residuals(loss: Loss) -> None:
    residuals, weights = two_targets(weighted=True)
    assert weights is not None
    before = residuals.copy()
    weights.setflags(write=False)
    loss.total(residuals, weights)
    np.testing.assert_array_equal(residuals, before)
    loss.slope(residuals, weights)
    assert (residuals != before).all()


@EVERY_LOSS
def test_residual_of_zero_has_no_cost_and_no_slope(loss: Loss) -> None:
    assert total(loss, 0.0) == 0.0
    assert slope(loss, 0.0) == 0.0


@EVERY_LOSS
def test_cost_is_convex(loss: Loss) -> None:
    for reach in (2.0, 2e-3):
        slopes = slope(loss, *np.linspace(-reach, reach, 401))
        assert (np.diff(slopes) >= 0).all()


@EVERY_LOSS
@WITH_AND_WITHOUT_WEIGHTS
def test_loss_of_a_residual_that_is_not_finite_is_not_finite(loss: Loss, weighted: bool) -> None:
    weights = np.ones(2) if weighted else None
    for infinite in (np.inf, -np.inf):
        assert loss.total(np.array([[1.0, infinite]]), weights) == np.inf
    assert np.isnan(loss.total(np.array([[1.0, np.nan]]), weights))


@pytest.mark.parametrize(("loss", "name"), [(Huber(), "delta"), (Quantile(), "q")], ids=str)
def test_losses_are_frozen(loss: Loss, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(loss, name, 0.3)


# --- the convention

ROWS = Rows(np.zeros((3, 1)), np.array([[1.0, -2.0], [3.0, 0.0], [0.5, 4.0]]))


def loss_of_predicting_zero(loss: Loss, rows: Rows) -> float:
    architecture = Architecture((1, 2))
    return Backpropagation(architecture, loss).loss(np.zeros(architecture.parameters), rows)


def test_loss_is_the_mean_square_over_rows_and_targets() -> None:
    assert loss_of_predicting_zero(Squared(), ROWS) == (1 + 4 + 9 + 0 + 0.25 + 16) / 6


def test_loss_is_the_mean_over_rows_by_weight() -> None:
    weighted = Rows(ROWS.X, ROWS.Y, np.array([1.0, 2.0, 4.0]))
    expected = (1 * (1 + 4) + 2 * (9 + 0) + 4 * (0.25 + 16)) / (2 * (1 + 2 + 4))
    assert loss_of_predicting_zero(Squared(), weighted) == pytest.approx(expected, rel=1e-15)


def test_residuals_are_predictions_minus_targets() -> None:
    # q = 0.9: predicting less than the target costs nine times what predicting more does
    more, less = Rows(np.zeros((1, 1)), -np.ones((1, 2))), Rows(np.zeros((1, 1)), np.ones((1, 2)))
    loss = Quantile(0.9)
    kink = Quantile.KINK / 2
    assert loss_of_predicting_zero(loss, more) == pytest.approx(0.1 * (1 - kink), rel=1e-12)
    assert loss_of_predicting_zero(loss, less) == pytest.approx(0.9 * (1 - kink), rel=1e-12)


# --- Huber


@pytest.mark.parametrize("delta", [0.1, 1.0, 30.0])
def test_huber_loss_is_quadratic_up_to_delta_and_linear_beyond(delta: float) -> None:
    huber = Huber(delta)
    for sign in (-1.0, 1.0):
        inside, outside = sign * delta * np.array([0.2, 1.0]), sign * delta * np.array([2.0, 3.0])
        assert total(huber, *inside) == pytest.approx(float((inside**2).sum()), rel=1e-14)
        first, second = (total(huber, r) for r in outside)
        assert second - first == pytest.approx(2 * delta * delta, rel=1e-13)
        np.testing.assert_allclose(slope(huber, *outside), sign * 2 * delta, rtol=1e-15)


@pytest.mark.parametrize("delta", [0.1, 1.0, 30.0])
def test_huber_loss_and_its_slope_are_continuous_at_delta(delta: float) -> None:
    huber = Huber(delta)
    for sign in (-1.0, 1.0):
        below, above = sign * delta * (1 - 1e-9), sign * delta * (1 + 1e-9)
        assert total(huber, above) == pytest.approx(total(huber, below), rel=1e-8)
        assert slope(huber, above)[0] == pytest.approx(slope(huber, below)[0], rel=1e-8)


def test_slope_of_the_huber_loss_is_constant_beyond_delta() -> None:
    assert slope(Huber(0.1), 1e9) == slope(Huber(0.1), 0.1)


# --- quantiles


def best_constant(loss: Loss, sample: Array) -> float:
    """Return the constant prediction with the lowest loss on the sample."""
    grid = np.linspace(sample.min(), sample.max(), 5001)
    costs = [loss.total(constant - sample[None, :], None) for constant in grid]
    return float(grid[np.argmin(costs)])


@EVERY_QUANTILE
def test_quantile_loss_is_minimal_at_the_quantile_of_the_sample(q: float) -> None:
    sample = np.random.default_rng(0).exponential(size=101)  # not symmetric
    tolerance = Quantile.KINK + np.ptp(sample) / 5000
    assert best_constant(Quantile(q), sample) == pytest.approx(
        float(np.quantile(sample, q)), abs=tolerance
    )


@EVERY_QUANTILE
def test_slopes_outside_the_rounded_kink_are_those_of_the_quantile(q: float) -> None:
    np.testing.assert_allclose(slope(Quantile(q), -0.7, 0.7), [-q, 1 - q], rtol=1e-14)


@EVERY_QUANTILE
def test_quantile_loss_and_its_slope_are_continuous(q: float) -> None:
    loss = Quantile(q)
    for end in (-Quantile.KINK, 0.0, Quantile.KINK):
        below, above = end - 1e-12, end + 1e-12
        assert total(loss, above) == pytest.approx(total(loss, below), abs=1e-11)
        assert slope(loss, above)[0] == pytest.approx(slope(loss, below)[0], abs=1e-8)


@EVERY_QUANTILE
def test_rounded_kink_lowers_the_cost_by_at_most_half_its_width(q: float) -> None:
    residuals, _ = two_targets(weighted=False)
    for r in residuals.ravel():
        sharp = (1 - q) * r if r > 0 else -q * r
        assert -1e-15 <= sharp - total(Quantile(q), r) <= 0.5 * Quantile.KINK + 1e-14


# --- refusals


@pytest.mark.parametrize("delta", [0.0, -1.5, np.inf, np.nan])
def test_delta_that_is_not_positive_and_finite_is_refused(delta: float) -> None:
    with pytest.raises(LossError, match=f"must be above 0 and finite, got {delta}$"):
        Huber(delta)


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, 1.5, np.inf, np.nan])
def test_quantile_that_is_not_between_zero_and_one_is_refused(q: float) -> None:
    with pytest.raises(LossError, match=f"must lie between 0 and 1, got {q}$"):
        Quantile(q)
