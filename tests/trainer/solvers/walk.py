"""A few steps of a first-order rule on a quadratic ravine, whose gradient is known."""

import numpy as np

from network import Array
from trainer.solvers.first_order.mini_batch import Optimizer

START = np.array([3.0, -2.0, 0.5])
MINIMUM = np.array([1.0, 0.25, -1.0])
RATES = np.array([0.05, 0.04, 0.04, 0.02, 0.01])
_CURVATURE = np.array([[5.0, 4.0, 0.0], [4.0, 5.0, 0.0], [0.0, 0.0, 0.3]])  # 0.3 to 9


def ravine(theta: Array) -> Array:
    """Return the gradient at θ."""
    gradient: Array = _CURVATURE @ (theta - MINIMUM)
    return gradient


def walk(optimizer: Optimizer) -> Array:
    """Return θ after each step."""
    theta, path = START.copy(), []
    for rate in RATES:
        optimizer.step(theta, ravine(theta), rate)
        path.append(theta.copy())
    return np.array(path)
