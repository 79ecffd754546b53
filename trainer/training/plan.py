"""The plan of a training: decides what a recipe leaves open, from the data, and gives reasons.

The limits below were chosen on the problems of `benchmarks/training/problems.py`;
`make bench-matrix` shows their effect.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from network import Architecture, Rows
from trainer.errors import RecipeError
from trainer.solvers import BAYESIAN, SOLVERS, Kind
from trainer.training.fit import Limits
from trainer.training.recipe import (
    AUTO,
    DEFAULT_BATCH_SIZE,
    DEFAULT_SCHEDULE,
    DEFAULT_STARTS,
    MIN_PATIENCE,
    Recipe,
)

STEPS = 60_000  # of mini-batches, which the default number of epochs aims at
EPOCHS_RANGE = (20, 2_000)
MAX_DENSE_PARAMETERS = 5_000  # P² numbers take 200 MB, and solvers store two to six times that
# On the example task self-scaled Broyden overtakes L-BFGS within 3 s with 3,489 parameters, and not
# within 15 s with 8,961.
AUTO_DENSE_PARAMETERS = 4_000
ENOUGH_RESIDUALS = 12  # per parameter; early stopping is then as good as a penalty
MAX_REGULARISED_WORK = 1e9  # rows·targets·P² of one Gauss-Newton matrix; about 50 ms
SMALL_PARAMETERS = 200  # up to here poor starts are common and further starts cheap


@dataclass(frozen=True)
class Plan:
    """A recipe with every option decided.

    Attributes
    ----------
    solver : a name in `SOLVERS`
    regularises : whether to switch to `bayesian-regularization` if that solver stalls
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
        """Return the limits of the fit.

        The relative standard error of a mean of n squared errors is about √(2/n).
        """
        return Limits(self.epochs, self.patience, tolerance=math.sqrt(2.0 / validation.Y.size))

    def as_card(self) -> dict[str, Any]:
        """Return the recipe with every default filled in, for the model's card."""
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
    """Decide what the recipe leaves open.

    Parameters
    ----------
    rows : the number of training rows

    Raises
    ------
    RecipeError
        the named solver would need too much memory for so many parameters.
    """
    P = architecture.parameters
    solver, reasons = (recipe.solver, []) if recipe.solver != AUTO else _auto_solver(P)
    kind = SOLVERS[solver]
    if kind.dense and P > MAX_DENSE_PARAMETERS:
        raise RecipeError(
            f"{solver} stores matrices of parameters × parameters: {P:,} parameters are too many, "
            f"the limit is {MAX_DENSE_PARAMETERS:,}; l-bfgs and adam have no such limit"
        )
    # not for a mini-batch solver, whose schedule covers all epochs
    restarts = solver != BAYESIAN and kind.iterations is not None
    batch_size = min(recipe.batch_size or DEFAULT_BATCH_SIZE, rows)
    epochs = recipe.epochs or kind.iterations or _epochs_of_steps(rows, batch_size)
    return Plan(
        recipe=recipe,
        solver=solver,
        regularises=_regularises(recipe, kind, P, rows * architecture.targets),
        starts=recipe.starts or (DEFAULT_STARTS if P <= SMALL_PARAMETERS and restarts else 1),
        learning_rate=recipe.learning_rate or kind.learning_rate,
        schedule=recipe.schedule or DEFAULT_SCHEDULE,
        batch_size=batch_size,
        epochs=epochs,
        patience=recipe.patience or max(MIN_PATIENCE, epochs // 10),
        reasons=tuple(reasons),
    )


def _auto_solver(parameters: int) -> tuple[str, list[str]]:
    """Return a solver for so many parameters, and the reason."""
    dense = parameters <= AUTO_DENSE_PARAMETERS
    solver = "self-scaled-broyden" if dense else "l-bfgs"
    relation = "are within" if dense else "exceed"
    limit = f"{AUTO_DENSE_PARAMETERS:,}, the limit for a full inverse Hessian"
    return solver, [f"{solver}: {parameters:,} parameters {relation} {limit}"]


def _regularises(recipe: Recipe, kind: Kind, parameters: int, residuals: int) -> bool:
    """Return whether Bayesian regularisation may follow, which helps if rows are few and noisy."""
    return (
        recipe.solver == AUTO
        and kind.dense
        and recipe.loss == "squared"
        and not recipe.penalty
        and residuals < ENOUGH_RESIDUALS * parameters
        and residuals * parameters**2 <= MAX_REGULARISED_WORK
    )


def _epochs_of_steps(rows: int, batch_size: int) -> int:
    least, greatest = EPOCHS_RANGE
    return min(greatest, max(least, STEPS // -(-rows // batch_size)))
