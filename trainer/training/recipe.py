"""The options of a training, declared once."""

from dataclasses import dataclass, fields
from typing import Any

from network import ACTIVATIONS, LOSSES, MAX_PARAMETERS, Loss
from trainer.errors import RecipeError
from trainer.solvers import BAYESIAN, SOLVERS
from trainer.solvers.first_order.schedules import SCHEDULES
from trainer.training.option import Choice, Integer, Integers, Number, Option, Times, option

AUTO = "auto"
ENSEMBLE = "ensemble"  # networks over folds, stacked, for tables with noise
OF_ONE_NETWORK = (
    "layers",
    "activation",
    "penalty",
    "starts",
    "learning_rate",
    "schedule",
    "batch_size",
    "epochs",
    "patience",
    "target_mse",
)
HUBER_DELTAS = 1e-6, 1e6  # beyond, the loss of every model is nearly 0, or the squared loss
MAX_STARTS = 1_000
MAX_INTEGER = 2**53  # the largest integer that every JSON reader of a card keeps exactly
DEFAULT_SCHEDULE = "cosine"
DEFAULT_BATCH_SIZE = 64
MIN_PATIENCE = 20
DEFAULT_STARTS = 4  # of small networks


@dataclass(frozen=True)
class Recipe:
    """Everything that, together with the data, decides the weights; and when to train again.

    `trainer.training.plan` chooses values for the fields that are None, because it knows the data;
    except `target_mse`, whose None means that no error ends the training, and `every`.

    Raises
    ------
    RecipeError
        a value that its option does not accept, or options that exclude each other.
    """

    layers: tuple[int, ...] = option(
        (32, 16),
        Integers(Integer(1, MAX_PARAMETERS)),
        "Sizes of the hidden layers; none for a linear model.",
    )
    activation: str = option(
        "tanh", Choice(tuple(ACTIVATIONS)), "Activation function of the hidden layers."
    )
    solver: str = option(
        AUTO,
        Choice((AUTO, ENSEMBLE, *SOLVERS)),
        "Training algorithm; auto tries several on the data, and reports what it chose and why.",
    )
    loss: str = option("squared", Choice(tuple(LOSSES)), "Loss to minimise.")
    huber_delta: float = option(
        0.1,
        Number(),
        "Residual from which the Huber loss is linear, in standard deviations of the target "
        "without outliers; from 1e-6 to 1e6.",
        loss="huber",
    )
    quantile: float = option(
        0.5, Number(below=1), "Quantile that the quantile loss fits.", loss="quantile"
    )
    penalty: float = option(
        0.0,
        Number(zero=True),
        f"λ of the L2 penalty λ·|W|², added to the loss; {BAYESIAN} estimates its own.",
    )
    starts: int | None = option(
        None,
        Integer(1, MAX_STARTS),
        "Random starts, which share the epochs; the one with the best validation loss is kept.",
        if_omitted=f"up to {DEFAULT_STARTS} for small networks, else 1",
    )
    learning_rate: float | None = option(
        None, Number(), "Learning rate of a first-order solver.", if_omitted="by solver"
    )
    schedule: str | None = option(
        None,
        Choice(tuple(SCHEDULES)),
        "Learning-rate schedule of a first-order solver.",
        if_omitted=DEFAULT_SCHEDULE,
    )
    batch_size: int | None = option(
        None,
        Integer(1, MAX_INTEGER),
        "Rows per step of a first-order solver.",
        if_omitted=str(DEFAULT_BATCH_SIZE),
    )
    epochs: int | None = option(
        None,
        Integer(1, MAX_INTEGER),
        "Passes over the training rows, or iterations of a solver that uses all rows at once.",
        if_omitted="by solver and rows",
    )
    patience: int | None = option(
        None,
        Integer(1, MAX_INTEGER),
        "Epochs without a better validation loss after which the training stops.",
        if_omitted=f"a tenth of the epochs, at least {MIN_PATIENCE}",
    )
    target_mse: float | None = option(
        None,
        Number(),
        "Mean squared error on the validation rows at which the training stops, over all targets "
        "and in their own units.",
        if_omitted="none",
    )
    test_fraction: float | None = option(
        None,
        Number(below=1),
        "Fraction of the rows that is kept apart to test the model.",
        if_omitted="none for an ensemble, which predicts every row by networks that did not train "
        "on it; else 0.1",
    )
    max_seconds: float = option(60.0, Number(), "Time limit for the fit, in seconds.")
    seed: int = option(
        0,
        Integer(0, MAX_INTEGER),
        "Seed of all random numbers; the same seed gives the same weights, unless the time limit "
        "ends the training.",
    )
    every: str | None = option(
        None,
        Times(),
        "Times of retrainings, in the trainer's time zone; never for a model that is not to be "
        "retrained.",
        if_omitted="NUMNET_RETRAIN_CRON",
    )

    def __post_init__(self) -> None:
        for name, declared in RECIPE_OPTIONS.items():
            value = getattr(self, name)
            if not declared.accepts(value):
                raise RecipeError(f"{name} must be {declared.values.expected}, got {value!r}")
        least, most = HUBER_DELTAS
        if not least <= self.huber_delta <= most:
            raise RecipeError(
                f"huber_delta must be from {least:g} to {most:g}, got {self.huber_delta!r}"
            )
        self._check_solver()
        for name, declared in RECIPE_OPTIONS.items():
            if declared.loss not in (None, self.loss) and getattr(self, name) != declared.default:
                raise RecipeError(f"{name} applies to loss {declared.loss}, not to {self.loss}")

    @property
    def asked(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults."""
        return {
            name: getattr(self, name)
            for name, declared in RECIPE_OPTIONS.items()
            if getattr(self, name) != declared.default
        }

    def make_loss(self) -> Loss:
        """Return the loss that the recipe names, with its parameter."""
        parameters = [
            getattr(self, name)
            for name, declared in RECIPE_OPTIONS.items()
            if declared.loss == self.loss
        ]
        return LOSSES[self.loss](*parameters)

    @property
    def of_one_network(self) -> list[str]:
        """Return the options that differ from their defaults and apply to a single network."""
        return [name for name in OF_ONE_NETWORK if name in self.asked]

    def _check_solver(self) -> None:
        """Refuse options that the solver would ignore."""
        if self.solver == ENSEMBLE and (names := self.of_one_network):
            raise RecipeError(f"{names[0]} applies to a single network, not to solver {ENSEMBLE}")
        kind = SOLVERS.get(self.solver)
        if kind and kind.squared_only and self.loss != "squared":
            raise RecipeError(f"loss must be squared for solver {self.solver}, got {self.loss!r}")
        for name in ("learning_rate", "schedule", "batch_size"):
            if getattr(self, name) and not (kind and kind.learning_rate):
                first_order = ", ".join(key for key, each in SOLVERS.items() if each.learning_rate)
                raise RecipeError(f"{name} applies to solver {first_order}, not to {self.solver}")
        if self.solver == BAYESIAN and self.penalty:
            raise RecipeError(f"penalty must be 0 for solver {BAYESIAN}, which estimates its own")
        if self.solver == BAYESIAN and self.starts not in (None, 1):
            raise RecipeError(
                f"starts must be 1 for solver {BAYESIAN}, which selects by evidence and not by "
                f"validation loss"
            )


RECIPE_OPTIONS: dict[str, Option] = {each.name: each.metadata["option"] for each in fields(Recipe)}
