"""Solvers, one algorithm a file. They know θ, an objective and its derivatives; never layers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from trainer.solvers.first_order.adam import Adam
from trainer.solvers.first_order.gradient_descent import GradientDescent
from trainer.solvers.first_order.mini_batch import MiniBatch, Optimizer
from trainer.solvers.levenberg_marquardt import LevenbergMarquardt
from trainer.solvers.quasi_newton.growing_sample import GrowingSample, Movable
from trainer.solvers.quasi_newton.l_bfgs import LBFGS
from trainer.solvers.quasi_newton.quasi_newton import BFGS, SELF_SCALED_BROYDEN, QuasiNewton
from trainer.solvers.solver import Iteration, Solver, State, Task

BAYESIAN = "bayesian-regularization"


@dataclass(frozen=True)
class Kind:
    """How a solver is made and what it is for.

    Attributes
    ----------
    iterations : the default limit; None: by the number of rows, as an epoch is many steps
    learning_rate : that which suits it; None where it finds its own steps
    squared_only : it knows no loss but the squared one
    dense : it holds matrices of P × P numbers
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


def _growing(make: Callable[[Task], Movable]) -> Callable[[Task], Solver]:
    return lambda task: GrowingSample(task, make)


SOLVERS = {
    "sgd": _first_order(GradientDescent, 0.1),
    "momentum": _first_order(partial(GradientDescent, momentum=0.9), 0.02),
    "nesterov": _first_order(partial(GradientDescent, momentum=0.9, nesterov=True), 0.02),
    "adam": _first_order(Adam, 0.01),
    "l-bfgs": Kind(_growing(LBFGS), iterations=10_000),
    "bfgs": Kind(_growing(partial(QuasiNewton, update=BFGS)), iterations=4_000, dense=True),
    "self-scaled-broyden": Kind(
        _growing(partial(QuasiNewton, update=SELF_SCALED_BROYDEN)), iterations=4_000, dense=True
    ),
    "levenberg-marquardt": Kind(LevenbergMarquardt, iterations=500, squared_only=True, dense=True),
    BAYESIAN: Kind(
        partial(LevenbergMarquardt, bayesian=True), iterations=100, squared_only=True, dense=True
    ),
}

__all__ = ["BAYESIAN", "SOLVERS", "Iteration", "Kind", "Solver", "State", "Task"]
