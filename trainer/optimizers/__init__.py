"""First-order optimizers: one algorithm a file, each knowing θ and a gradient and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from network import Array
from trainer.optimizers.adam import Adam
from trainer.optimizers.gradient_descent import GradientDescent


class Optimizer(Protocol):
    """Holds what it remembers of earlier steps; one instance serves one training."""

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        """Move θ (P,) in place, given the gradient (P,) of the loss at θ."""


@dataclass(frozen=True)
class Solver:
    """How to make an optimizer for P parameters, and the learning rate that suits it."""

    make: Callable[[int], Optimizer]
    learning_rate: float


SOLVERS = {
    "sgd": Solver(GradientDescent, 0.1),
    "momentum": Solver(partial(GradientDescent, momentum=0.9), 0.02),
    "nesterov": Solver(partial(GradientDescent, momentum=0.9, nesterov=True), 0.02),
    "adam": Solver(Adam, 0.01),
}

__all__ = ["SOLVERS", "Adam", "GradientDescent", "Optimizer", "Solver"]
