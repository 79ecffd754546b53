"""Learning-rate schedules: the factor on the rate as training proceeds from 0 to 1.

References
----------
Loshchilov & Hutter 2017, "SGDR", eq. 5: cosine annealing.
"""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]

FINAL_FACTOR = 1e-3  # the last value of `exponential`


def constant(progress: float) -> float:
    """Return 1 throughout."""
    return 1.0


def linear(progress: float) -> float:
    """Decrease from 1 to 0 linearly."""
    return 1.0 - progress


def cosine(progress: float) -> float:
    """Decrease from 1 to 0 along half a cosine wave."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def exponential(progress: float) -> float:
    """Decrease from 1 to `FINAL_FACTOR` by the same ratio in every step."""
    return float(FINAL_FACTOR**progress)


SCHEDULES: dict[str, Schedule] = {
    schedule.__name__: schedule for schedule in (constant, linear, cosine, exponential)
}
