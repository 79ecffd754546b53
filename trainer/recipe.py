"""What a training is asked to do."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from trainer.errors import RecipeError
from trainer.optimizers import SOLVERS
from trainer.schedules import SCHEDULES

STEPS = 60_000  # what the default number of epochs aims at
EPOCHS_RANGE = (20, 2_000)
MAX_INTEGER = 2**53  # what every reader of a card's JSON keeps exactly


@dataclass(frozen=True)
class Recipe:
    """Everything that, with the data, decides the weights.

    Attributes
    ----------
    layers : sizes of the hidden layers
    solver : a name in `SOLVERS`; learning_rate None: the one that suits it
    epochs : None: as many as make about `STEPS` steps, within `EPOCHS_RANGE`
    patience : epochs without a better validation loss before stopping; None: a tenth of `epochs`,
        at least 20
    max_seconds : time for the fit

    Raises
    ------
    RecipeError
    """

    layers: tuple[int, ...] = (32, 16)
    activation: str = "tanh"
    solver: str = "adam"
    learning_rate: float | None = None
    schedule: str = "cosine"
    batch_size: int = 64
    epochs: int | None = None
    patience: int | None = None
    max_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("solver", SOLVERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise RecipeError(
                    f"unknown {name} {getattr(self, name)!r}; expected one of {', '.join(known)}"
                )
        for name in ("learning_rate", "batch_size", "epochs", "patience", "max_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise RecipeError(f"{name} must be above 0 and finite, got {value}")
        if self.seed < 0:
            raise RecipeError(f"seed must be 0 or more, got {self.seed}")
        for name in ("seed", "batch_size", "epochs", "patience"):
            if (getattr(self, name) or 0) > MAX_INTEGER:
                raise RecipeError(
                    f"{name} must be at most {MAX_INTEGER}, got {getattr(self, name)}"
                )

    def rate(self) -> float:
        """The learning rate in force."""
        return self.learning_rate or SOLVERS[self.solver].learning_rate

    def epochs_for(self, rows: int) -> int:
        """The number of epochs in force for so many training rows."""
        if self.epochs:
            return self.epochs
        steps_per_epoch = -(-rows // self.batch_size)
        least, greatest = EPOCHS_RANGE
        return min(greatest, max(least, STEPS // steps_per_epoch))

    def patience_for(self, rows: int) -> int:
        """The patience in force for so many training rows, in epochs."""
        return self.patience or max(20, self.epochs_for(rows) // 10)

    def as_card(self, rows: int) -> dict[str, Any]:
        """The recipe with every default filled in, for the model's card."""
        return {
            **asdict(self),
            "learning_rate": self.rate(),
            "epochs": self.epochs_for(rows),
            "patience": self.patience_for(rows),
        }
