"""Descent on the square root of the objective: a method's direction and a line search.

Where F grows like a square, √F grows like a norm. The curvature of √F, which a method learns step
by step, then depends less on the distance to the minimum and more on its direction.

References
----------
Urbán, Stefanou & Pons 2025, "Unveiling the optimization process of physics informed neural
networks: How accurate and competitive can PINNs be?": the root.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from network import Array
from trainer.solvers.objective import Objective
from trainer.solvers.quasi_newton.line_search import Point, wolfe_step
from trainer.solvers.solver import Iteration, State, Task

FIRST_STEP_LENGTH = 0.1  # |step| that is tried first while nothing is known of the curvature


class Descent(ABC):
    """One line search per iteration; along the steepest descent if the method's direction fails.

    Parameters
    ----------
    first_step : the step length that line searches try first
    """

    def __init__(self, task: Task, first_step: float) -> None:
        self._evaluate = root(task.objective)
        self._first_step = first_step
        self._point = Point(task.theta.copy(), *self._evaluate(task.theta))

    @property
    def theta(self) -> Array:
        """Return θ (P,)."""
        return self._point.theta

    def iterate(self) -> Iteration:
        """Take one step."""
        start, direction, fresh = self._point, self._direction(), self._has_no_curvature()
        found = None
        if start.gradient @ direction < 0.0:
            length = float(np.linalg.norm(direction))
            first = FIRST_STEP_LENGTH / length if fresh else self._first_step
            found = wolfe_step(self._evaluate, start, direction, first)
        if not found:
            if fresh:
                return Iteration(start.value**2, 0.0, converged=True)
            self._reset()
            return self.iterate()
        step, self._point = found
        self._update(start, direction, step)
        return Iteration(self._point.value**2, step)

    def continue_with(self, objective: Objective) -> None:
        """Replace the objective by a similar one; keep θ and the curvature learned so far."""
        self._evaluate = root(objective)
        self._point = Point(self.theta, *self._evaluate(self.theta))

    def state(self) -> State:
        """Return the point; subclasses add the curvature that they learned."""
        return {
            "theta": self._point.theta,
            "value": self._point.value,
            "gradient": self._point.gradient,
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._point = Point(state["theta"], state["value"], state["gradient"])

    @abstractmethod
    def _direction(self) -> Array:
        """Return −H·∇f at the point, (P,)."""

    @abstractmethod
    def _has_no_curvature(self) -> bool:
        """Return whether nothing is known of the curvature, so that the direction is −∇f."""

    @abstractmethod
    def _reset(self) -> None:
        """Discard the curvature learned so far."""

    @abstractmethod
    def _update(self, before: Point, direction: Array, step: float) -> None:
        """Learn the curvature along a step from `before` to the current point."""


def root(objective: Objective) -> Callable[[Array], tuple[float, Array]]:
    """Return a function of θ that gives √F and its gradient ∇F/(2√F)."""

    def evaluate(theta: Array) -> tuple[float, Array]:
        value, gradient = objective.value_and_gradient(theta)
        rooted = math.sqrt(value) if value >= 0.0 else math.nan
        if rooted > 0.0:
            gradient *= 0.5 / rooted
        return rooted, gradient

    return evaluate
