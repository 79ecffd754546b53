"""Solvers, one algorithm per file; `SOLVERS` is their table.

A solver knows θ, an objective and its derivatives, and never the network's layers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from trainer.solvers.first_order.adam import Adam
from trainer.solvers.first_order.gradient_descent import GradientDescent
from trainer.solvers.first_order.mini_batch import MiniBatch, Optimizer
from trainer.solvers.levenberg_marquardt import LevenbergMarquardt
from trainer.solvers.quasi_newton.broyden_family import BFGS, SELF_SCALED_BROYDEN, BroydenFamily
from trainer.solvers.quasi_newton.growing_sample import GrowingSample, WarmStartSolver
from trainer.solvers.quasi_newton.l_bfgs import LBFGS
from trainer.solvers.solver import Iteration, Solver, State, Task

BAYESIAN = "bayesian-regularization"


@dataclass(frozen=True)
class Kind:
    """How a solver is made, and its properties.

    Attributes
    ----------
    iterations : the default limit; None for mini-batches, whose limit depends on the number of rows
    learning_rate : the default; None if the solver chooses its step lengths itself
    squared_only : whether it minimises the squared loss only
    dense : whether it stores P × P matrices
    """

    make: Callable[[Task], Solver]
    iterations: int | None = None
    learning_rate: float | None = None
    squared_only: bool = False
    dense: bool = False


def _first_order(optimizer: Callable[[int], Optimizer], learning_rate: float) -> Kind:
    return Kind(
        lambda task: MiniBatch(task, optimizer(len(task.theta))), learning_rate=learning_rate
    )


def _growing(make: Callable[[Task], WarmStartSolver]) -> Callable[[Task], Solver]:
    return lambda task: GrowingSample(task, make)


SOLVERS = {
    "sgd": _first_order(GradientDescent, 0.1),
    "momentum": _first_order(partial(GradientDescent, momentum=0.9), 0.02),
    "nesterov": _first_order(partial(GradientDescent, momentum=0.9, nesterov=True), 0.02),
    "adam": _first_order(Adam, 0.01),
    "l-bfgs": Kind(_growing(LBFGS), iterations=10_000),
    "bfgs": Kind(_growing(partial(BroydenFamily, update=BFGS)), iterations=4_000, dense=True),
    "self-scaled-broyden": Kind(
        _growing(partial(BroydenFamily, update=SELF_SCALED_BROYDEN)), iterations=4_000, dense=True
    ),
    "levenberg-marquardt": Kind(LevenbergMarquardt, iterations=500, squared_only=True, dense=True),
    BAYESIAN: Kind(
        partial(LevenbergMarquardt, bayesian=True), iterations=100, squared_only=True, dense=True
    ),
}

__all__ = ["BAYESIAN", "SOLVERS", "Iteration", "Kind", "Solver", "State", "Task"]
