"""Descent on the square root of the objective: a direction that a method has, and a line search.

Where F grows like a square, √F grows like a norm: its curvature, which a method has to learn step
by step, says less of how far away the minimum is and more of where.

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

FIRST_STEP_LENGTH = 0.1  # in the space of θ, of a step that nothing is known for


class Descent(ABC):
    """One line search an iteration; from the steepest descent where the direction leads nowhere.

    Parameters
    ----------
    first_step : the step length that its line searches try first
    """

    def __init__(self, task: Task, first_step: float) -> None:
        self._evaluate = root(task.objective)
        self._first_step = first_step
        self._point = Point(task.theta.copy(), *self._evaluate(task.theta))

    @property
    def theta(self) -> Array:
        """θ (P,)."""
        return self._point.theta

    def iterate(self) -> Iteration:
        """One step."""
        here, direction, fresh = self._point, self._direction(), self._is_fresh()
        found = None
        if here.gradient @ direction < 0.0:
            length = float(np.linalg.norm(direction))
            first = FIRST_STEP_LENGTH / length if fresh else self._first_step
            found = wolfe_step(self._evaluate, here, direction, first)
        if not found:
            if fresh:
                return Iteration(here.value**2, 0.0, converged=True)
            self._forget()
            return self.iterate()
        step, self._point = found
        self._learn(here, direction, step)
        return Iteration(self._point.value**2, step)

    def move_to(self, objective: Objective) -> None:
        """Go on with another objective, near enough for what was learnt to be of use."""
        self._evaluate = root(objective)
        self._point = Point(self.theta, *self._evaluate(self.theta))

    def state(self) -> State:
        """The point; subclasses add what they learnt."""
        return {
            "theta": self._point.theta,
            "value": self._point.value,
            "gradient": self._point.gradient,
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self._point = Point(state["theta"], state["value"], state["gradient"])

    @abstractmethod
    def _direction(self) -> Array:
        """−H·∇f at the point, (P,)."""

    @abstractmethod
    def _is_fresh(self) -> bool:
        """Whether nothing is known of the curvature, and the direction is −∇f."""

    @abstractmethod
    def _forget(self) -> None:
        """Make it fresh."""

    @abstractmethod
    def _learn(self, before: Point, direction: Array, step: float) -> None:
        """Take in what a step along a direction showed, from a point to the present one."""


def root(objective: Objective) -> Callable[[Array], tuple[float, Array]]:
    """√F and its gradient ∇F/(2√F), as a function of θ."""

    def evaluate(theta: Array) -> tuple[float, Array]:
        value, gradient = objective.value_and_gradient(theta)
        rooted = math.sqrt(value) if value >= 0.0 else math.nan
        if rooted > 0.0:
            gradient *= 0.5 / rooted
        return rooted, gradient

    return evaluate
