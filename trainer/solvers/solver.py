"""The interface between the training loop and every solver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from network import Array
from trainer.solvers.objective import Objective

State = dict[str, Any]  # arrays, numbers, text, and dictionaries and lists of them


@dataclass(frozen=True)
class Iteration:
    """The result of one iteration; for mini-batches, of one epoch.

    Attributes
    ----------
    loss : the objective after the iteration; for mini-batches the mean over them, each before its
        step
    step : the learning rate, the step length along the search direction, or the damping
    converged : whether no further step reduces the objective by a relevant amount
    tentative : whether the solver is still on a trial or on part of the rows, so that patience does
        not count yet
    stalled : whether the losses have nearly stopped falling, well above zero
    regularised : whether θ was penalised by an amount that the training rows determined, so that
        the validation loss matters less
    """

    loss: float
    step: float
    converged: bool = False
    regularised: bool = False
    tentative: bool = False
    stalled: bool = False


class Solver(Protocol):
    """Minimises an objective, iteration by iteration, from a θ of its own.

    The objective's poll may raise and so interrupt an iteration. θ is then the one before the
    iteration, or for mini-batches the one after the last completed step.
    """

    @property
    def theta(self) -> Array:
        """Return the current θ (P,)."""

    def iterate(self) -> Iteration:
        """Run one iteration."""

    def state(self) -> State:
        """Return everything that a new instance needs to continue with identical bits."""

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""


@dataclass(frozen=True)
class Task:
    """The problem that a solver is made for.

    Attributes
    ----------
    theta : (P,) float64, the start
    seed : for the solver's random numbers
    iterations : the limit, which the learning-rate schedule spans
    schedule : the factor on the learning rate as training proceeds from 0 to 1
    """

    objective: Objective
    theta: Array
    seed: int
    iterations: int
    learning_rate: float
    schedule: Callable[[float], float]
    batch_size: int
