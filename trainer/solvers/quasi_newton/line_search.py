"""A step length along a descent direction that satisfies the weak Wolfe conditions.

References
----------
Nocedal & Wright 2006, "Numerical Optimization", eqs. 3.6a and 3.6b: the conditions.
Lewis & Overton 2013, "Nonsmooth optimization via quasi-Newton methods", algorithm 4.6: expansion
and bisection. Here interpolation by a parabola replaces bisection after an overshoot.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from network import Array

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 0.9
MAX_TRIALS = 30


@dataclass(frozen=True, eq=False)
class Point:
    """A point of a search: θ (P,), the value there and the gradient (P,)."""

    theta: Array
    value: float
    gradient: Array


def wolfe_step(
    evaluate: Callable[[Array], tuple[float, Array]],
    start: Point,
    direction: Array,
    first: float,
) -> tuple[float, Point] | None:
    """Find a step along a direction from `start` that satisfies the weak Wolfe conditions.

    Parameters
    ----------
    evaluate : returns the value and the gradient at θ
    direction : (P,), a descent direction
    first : the step length to try first

    Returns
    -------
    step, point : the step length and the point that it leads to; None if no step was found
    """
    initial_slope = float(direction @ start.gradient)
    low, low_value, low_slope = 0.0, start.value, initial_slope
    high = math.inf
    step = first
    for _ in range(MAX_TRIALS):
        theta = start.theta + step * direction
        value, gradient = evaluate(theta)
        slope = float(direction @ gradient)
        if not value <= start.value + SUFFICIENT_DECREASE * step * initial_slope:  # too far, or NaN
            high = step
            step = low + _fraction(high - low, value - low_value, low_slope) * (high - low)
        elif slope < CURVATURE * initial_slope:  # not far enough
            low, low_value, low_slope = step, value, slope
            step = 2.0 * step if high == math.inf else 0.5 * (low + high)
        elif math.isfinite(slope):
            return step, Point(theta, value, gradient)
        else:
            high, step = step, low + 0.1 * (step - low)
    return None


def _fraction(width: float, rise: float, slope: float) -> float:
    """Return the minimum of the parabola from an interval's start, as a fraction in [0.1, 0.5]."""
    curvature = rise - slope * width
    if not 0.0 < curvature < math.inf:
        return 0.1
    return min(max(-slope * width / (2.0 * curvature), 0.1), 0.5)
