"""What the training loop asks of every solver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from network import Array
from trainer.solvers.objective import Objective

State = dict[str, Any]  # arrays, numbers, text, and dictionaries and lists of them


@dataclass(frozen=True)
class Iteration:
    """What one iteration, for mini-batches an epoch, came to.

    Attributes
    ----------
    loss : the objective it ended with; for mini-batches the mean over them, each before its step
    step : the learning rate, the length of the step along the search direction, or the damping
    converged : no step from here makes the objective less by an amount that counts
    tentative : it is a trial, or on part of the rows, so that patience does not apply yet
    regularised : the training rows set a penalty on θ, so that validation has less of a say
    """

    loss: float
    step: float
    converged: bool = False
    regularised: bool = False
    tentative: bool = False


class Solver(Protocol):
    """Minimises an objective, iteration by iteration, from a θ it owns.

    An iteration may be cut short by whatever the objective's poll raises. θ is then one that the
    solver has come to: what it was, or for mini-batches what the last of them made it.
    """

    @property
    def theta(self) -> Array:
        """θ (P,) as it is now."""

    def iterate(self) -> Iteration:
        """Move θ once."""

    def state(self) -> State:
        """All that, given to `restore`, lets a fresh instance go on to the same bits."""

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""


@dataclass(frozen=True)
class Task:
    """What a solver is made for.

    Attributes
    ----------
    theta : (P,) float64, the start
    seed : for what a solver draws at random
    iterations : how many there will be at most
    schedule : the factor on the learning rate as training proceeds from 0 to 1
    """

    objective: Objective
    theta: Array
    seed: int
    iterations: int
    learning_rate: float
    schedule: Callable[[float], float]
    batch_size: int
