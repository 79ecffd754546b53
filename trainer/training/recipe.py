"""What a training is asked to do."""

import math
from dataclasses import dataclass, fields
from typing import Any

from network import Huber, Loss, LossError, Quantile, Squared
from trainer.errors import RecipeError
from trainer.solvers import BAYESIAN, SOLVERS
from trainer.solvers.first_order.schedules import SCHEDULES

AUTO = "auto"
LOSSES = ("squared", "huber", "quantile")
MAX_STARTS = 1_000
MAX_INTEGER = 2**53  # what every reader of a card's JSON keeps exactly


@dataclass(frozen=True)
class Recipe:
    """Everything that, with the data, decides the weights.

    What is None is chosen by `trainer.training.plan`, which knows the data, but for `target_mse`.

    Attributes
    ----------
    layers : sizes of the hidden layers
    solver : a name in `SOLVERS`, or auto
    loss : a name in `LOSSES`
    huber_delta : where the Huber loss turns linear, in deviations of the target
    quantile : that which the quantile loss fits
    penalty : λ of λ·|W|², added to the loss; bayesian-regularization sets its own
    starts : random starts, of which the one that validates best is carried on
    learning_rate, schedule, batch_size : for the first-order solvers
    epochs : passes over the training rows, or iterations of a solver that takes all at once
    patience : epochs without a better validation loss before stopping
    target_mse : mean squared error on the validation rows, in the targets' own units and over all
        targets, at which to stop; None: whatever it is, go on
    max_seconds : time for the fit

    Raises
    ------
    RecipeError
    """

    layers: tuple[int, ...] = (32, 16)
    activation: str = "tanh"
    solver: str = AUTO
    loss: str = "squared"
    huber_delta: float = 0.1
    quantile: float = 0.5
    penalty: float = 0.0
    starts: int | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    target_mse: float | None = None
    max_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("solver", (AUTO, *SOLVERS)),
            ("schedule", (None, *SCHEDULES)),
            ("loss", LOSSES),
        ):
            if getattr(self, name) not in known:
                choices = ", ".join(filter(None, known))
                raise RecipeError(
                    f"unknown {name} {getattr(self, name)!r}; expected one of {choices}"
                )
        for name in (
            "learning_rate",
            "batch_size",
            "epochs",
            "patience",
            "target_mse",
            "max_seconds",
            "starts",
        ):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise RecipeError(f"{name} must be above 0 and finite, got {value}")
        if (self.starts or 1) > MAX_STARTS:
            raise RecipeError(f"starts must be at most {MAX_STARTS}, got {self.starts}")
        for name in ("seed", "penalty"):
            if not 0 <= getattr(self, name) < math.inf:
                raise RecipeError(f"{name} must be 0 or more, got {getattr(self, name)}")
        for name in ("seed", "batch_size", "epochs", "patience"):
            if (getattr(self, name) or 0) > MAX_INTEGER:
                raise RecipeError(
                    f"{name} must be at most {MAX_INTEGER}, got {getattr(self, name)}"
                )
        self._check_together()
        self.make_loss()

    @property
    def asked(self) -> dict[str, Any]:
        """Its fields that are not left at their defaults."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if getattr(self, each.name) != each.default
        }

    def make_loss(self) -> Loss:
        """The loss it names.

        Raises
        ------
        RecipeError
            δ or the quantile is out of its range.
        """
        try:
            if self.loss == "huber":
                return Huber(self.huber_delta)
            return Quantile(self.quantile) if self.loss == "quantile" else Squared()
        except LossError as error:
            raise RecipeError(str(error)) from error

    def _check_together(self) -> None:
        """Refuse what the solver or the loss would ignore."""
        kind = SOLVERS.get(self.solver)
        if kind and kind.squared_only and self.loss != "squared":
            raise RecipeError(f"{self.solver} knows the squared loss alone, not {self.loss}")
        for name in ("learning_rate", "schedule", "batch_size"):
            if getattr(self, name) and not (kind and kind.learning_rate):
                first_order = ", ".join(key for key, each in SOLVERS.items() if each.learning_rate)
                raise RecipeError(f"{name} goes with solver {first_order}; not with {self.solver}")
        if self.penalty and self.solver == BAYESIAN:
            raise RecipeError(f"{BAYESIAN} finds its own penalty")
        if (self.starts or 1) > 1 and self.solver == BAYESIAN:
            raise RecipeError(
                f"{BAYESIAN} goes by the evidence, not by validation: it takes one start"
            )
        for name, loss in (("huber_delta", "huber"), ("quantile", "quantile")):
            if self.loss != loss and getattr(self, name) != getattr(type(self), name):
                raise RecipeError(f"{name} goes with loss {loss}, not with {self.loss}")
