"""How a recipe is carried out on given data: what it leaves open is decided here, with reasons.

The limits were chosen on the problems of `benchmarks/training/problems.py`;
`make bench-matrix` shows what they are worth.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from network import Architecture, Array, Rows, initial_parameters
from trainer.errors import RecipeError
from trainer.solvers import BAYESIAN, SOLVERS, Solver, Task
from trainer.solvers.first_order.schedules import SCHEDULES
from trainer.solvers.multi_start import MultiStart
from trainer.solvers.objective import Objective
from trainer.solvers.switching import SwitchingSolver
from trainer.training.fit import Limits
from trainer.training.recipe import (
    AUTO,
    DEFAULT_BATCH_SIZE,
    DEFAULT_SCHEDULE,
    MIN_PATIENCE,
    Recipe,
)

STEPS = 60_000  # what the default number of epochs of mini-batches aims at
EPOCHS_RANGE = (20, 2_000)
MAX_DENSE_PARAMETERS = 5_000  # P² numbers are 200 MB, and solvers hold two to six times that
# On the shipped task self-scaled Broyden overtakes L-BFGS within 3 s with 3,489 parameters, and not
# within 15 s with 8,961.
AUTO_DENSE_PARAMETERS = 4_000
ENOUGH_RESIDUALS = 12  # per parameter: from there on early stopping does as well as a penalty
MAX_REGULARISED_WORK = 1e9  # rows·targets·P² of one Gauss-Newton matrix; about 50 ms
SMALL_PARAMETERS = 200  # up to which poor starts are common, and others cheap
STARTS = 4  # for networks as small


@dataclass(frozen=True)
class Plan:
    """A recipe with nothing left open.

    Attributes
    ----------
    solver : a name in `SOLVERS`
    regularises : whether `bayesian-regularization` takes over where that solver stalls
    reasons : what was decided, and why; one sentence each
    """

    recipe: Recipe
    solver: str
    regularises: bool
    starts: int
    learning_rate: float | None
    schedule: str
    batch_size: int
    epochs: int
    patience: int
    reasons: tuple[str, ...]

    def limits(self, validation: Rows) -> Limits:
        """When the fit stops. A mean of n squared errors is known to about √(2/n) of itself."""
        return Limits(self.epochs, self.patience, tolerance=math.sqrt(2.0 / validation.Y.size))

    def as_card(self) -> dict[str, Any]:
        """The recipe with every default filled in, for the model's card."""
        return {
            **asdict(self.recipe),
            "asked": self.recipe.asked,
            "solver": self.solver,
            "regularises": self.regularises,
            "starts": self.starts,
            "learning_rate": self.learning_rate,
            "schedule": self.schedule if self.learning_rate else None,
            "batch_size": self.batch_size if self.learning_rate else None,
            "epochs": self.epochs,
            "patience": self.patience,
        }


def make_plan(recipe: Recipe, architecture: Architecture, rows: int) -> Plan:
    """Decide what the recipe leaves open, for so many training rows.

    Raises
    ------
    RecipeError
        the solver it names cannot hold so many parameters.
    """
    reasons = []
    P = architecture.parameters
    solver, regularises = recipe.solver, False
    if solver == AUTO:
        dense = P <= AUTO_DENSE_PARAMETERS
        solver = "self-scaled-broyden" if dense else "l-bfgs"
        relation = "up to" if dense else "above"
        reasons.append(
            f"{solver}: {P:,} parameters are {relation} {AUTO_DENSE_PARAMETERS:,}, "
            f"{'where a full inverse Hessian pays' if dense else 'too many for a full Hessian'}"
        )
        residuals = rows * architecture.targets
        regularises = (
            dense
            and recipe.loss == "squared"
            and not recipe.penalty
            and residuals < ENOUGH_RESIDUALS * P
            and residuals * P**2 <= MAX_REGULARISED_WORK
        )
    kind = SOLVERS[solver]
    if kind.dense and P > MAX_DENSE_PARAMETERS:
        raise RecipeError(
            f"{solver} holds matrices of parameters × parameters: {P:,} are too many, "
            f"the limit is {MAX_DENSE_PARAMETERS:,}; l-bfgs and adam have none"
        )
    restarts = solver != BAYESIAN and kind.iterations is not None  # and has no schedule to share
    batch_size = min(recipe.batch_size or DEFAULT_BATCH_SIZE, rows)
    epochs = recipe.epochs or kind.iterations or _epochs_of_steps(rows, batch_size)
    return Plan(
        recipe=recipe,
        solver=solver,
        regularises=regularises,
        starts=recipe.starts or (STARTS if P <= SMALL_PARAMETERS and restarts else 1),
        learning_rate=recipe.learning_rate or kind.learning_rate,
        schedule=recipe.schedule or DEFAULT_SCHEDULE,
        batch_size=batch_size,
        epochs=epochs,
        patience=recipe.patience or max(MIN_PATIENCE, epochs // 10),
        reasons=tuple(reasons),
    )


def make_solver(
    plan: Plan,
    architecture: Architecture,
    objective: Objective,
    validate: Callable[[Array], float],
    rng: np.random.Generator,
) -> Solver:
    """The solver a plan asks for, at its random start.

    Parameters
    ----------
    validate : the loss of θ on the validation rows
    """
    kind = SOLVERS[plan.solver]
    # starts that were asked for share the epochs; otherwise each takes what it needs
    limit = max(1, plan.epochs // plan.starts) if plan.recipe.starts else plan.epochs

    def task(seed: int) -> Task:
        start_rng = np.random.default_rng(seed)
        return Task(
            objective=objective,
            theta=initial_parameters(architecture, start_rng),
            seed=int(start_rng.integers(2**63)),
            iterations=limit,
            learning_rate=plan.learning_rate or 0.0,
            schedule=SCHEDULES[plan.schedule],
            batch_size=plan.batch_size,
        )

    def start(seed: int) -> Solver:
        first = task(seed)
        solver = kind.make(first)
        if not plan.regularises:
            return solver
        second = SOLVERS[BAYESIAN]
        return SwitchingSolver(
            solver, partial(second.make, first), second.iterations or limit, validate
        )

    starts = [partial(start, int(seed)) for seed in rng.integers(2**63, size=plan.starts)]
    if plan.starts == 1:
        return starts[0]()
    return MultiStart(starts, limit, plan.patience, validate)


def _epochs_of_steps(rows: int, batch_size: int) -> int:
    least, greatest = EPOCHS_RANGE
    return min(greatest, max(least, STEPS // -(-rows // batch_size)))
