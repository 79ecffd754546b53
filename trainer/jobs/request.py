"""What a retraining job is asked to do."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from network import Architecture
from registry import Card
from trainer.data.csv_file import csv_table
from trainer.data.synthetic import DEFAULT_SAMPLES, SYNTHETIC, synthetic_table
from trainer.data.table import Table
from trainer.errors import DataError
from trainer.solvers import SOLVERS
from trainer.training.recipe import RECIPE_OPTIONS, Recipe

_OF_THE_SOLVER = (
    "solver",
    "learning_rate",
    "schedule",
    "batch_size",
    "epochs",
    "patience",
    "starts",
    "penalty",
)
_OF_THE_LOSS = ("loss", *(name for name, each in RECIPE_OPTIONS.items() if each.loss))
_WHEN_TO_STOP = ("max_seconds", "epochs", "patience", "target_mse")


@dataclass(frozen=True)
class Request:
    """Data and recipe of one retraining.

    Attributes
    ----------
    data : synthetic, or a CSV file inside the data folder
    targets, features, weights : its columns, as `trainer.data.csv_file.csv_table` takes them
    samples : rows of synthetic data
    recipe : the fields of `trainer.training.recipe.Recipe` that are not left at their defaults
    promote : whether to go on to the gate once it is published
    current : the version that was being served when it was asked for

    Raises
    ------
    RecipeError, ArchitectureError
        options that make no training.
    DataError
        a file outside the data folder, or columns that do not go with the data.
    """

    data: str = SYNTHETIC
    targets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    weights: str | None = None
    samples: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    promote: bool = True
    current: int | None = None

    def __post_init__(self) -> None:
        recipe = self.make_recipe()
        Architecture((1, *recipe.layers, 1), recipe.activation)
        if self.data == SYNTHETIC:
            if self.targets or self.features or self.weights:
                raise DataError("targets, features and weights go with a file, not with synthetic")
            return
        path = PurePosixPath(self.data)
        if path.is_absolute() or ".." in path.parts or "\0" in self.data or not path.parts:
            raise DataError(f"data must be a file inside the data folder, got {self.data!r}")
        if self.samples:
            raise DataError("samples goes with the synthetic data, not with a file")
        if not self.targets:
            raise DataError("targets is missing: which columns of the file are to be predicted?")

    @classmethod
    def like(cls, card: Card, asked: Mapping[str, Any]) -> Self:
        """What is asked for; what is left open, as in the training of the version on the card, but
        for when to stop.

        Parameters
        ----------
        card : of the current version; empty where there is none
        asked : data, targets, features, weights, samples, promote, and fields of the recipe
        """
        data = _data_of(card)
        other_data = asked.get("data", data["data"]) != data["data"]
        other_targets = list(asked.get("targets", ())) not in ([], list(data.get("targets", ())))
        if other_data:
            data = {"data": asked["data"]}
        if other_targets:
            data.pop("features", None)
        given = {name: value for name, value in asked.items() if name in RECIPE_OPTIONS}
        known = {name: value for name, value in asked.items() if name not in RECIPE_OPTIONS}
        return cls(
            **{key: _frozen(value) for key, value in (data | known).items()},
            recipe=_recipe_of(card, given) | given,
            current=card.get("version"),
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """What `as_document` gave."""
        return cls(**{key: _frozen(value) for key, value in document.items()})

    def as_document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    def make_recipe(self) -> Recipe:
        """The recipe that its fields make."""
        return Recipe(**{key: _frozen(value) for key, value in self.recipe.items()})

    def read(self, folder: Path, poll: Callable[[], object] = lambda: None) -> Table:
        """The table.

        Parameters
        ----------
        folder : the data folder, beyond which no link leads
        poll : as `trainer.data.csv_file.csv_table` takes it

        Raises
        ------
        DataError
        """
        if self.data == SYNTHETIC:
            return synthetic_table(self.samples or DEFAULT_SAMPLES, self.make_recipe().seed)
        try:
            path = (folder / self.data).resolve()
            if not path.is_relative_to(folder.resolve()):
                raise DataError(f"{self.data} is not inside the data folder")
            if not folder.is_dir():
                raise DataError("there is no data folder: NUMNET_DATA says which it is")
            if not path.is_file():
                raise DataError(f"there is no file {self.data} in the data folder")
        except (OSError, RuntimeError) as error:  # a name too long, or links in a circle
            raise DataError(f"{self.data} cannot be the name of a file") from error
        return csv_table(
            path, self.targets, self.features, self.weights, source=self.data, poll=poll
        )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _data_of(card: Card) -> dict[str, Any]:
    data = card.get("data", {})
    if data.get("source", SYNTHETIC) == SYNTHETIC:
        rows = sum(data.get("rows", {}).values())
        return {"data": SYNTHETIC, "samples": rows or DEFAULT_SAMPLES}
    return {
        "data": data["source"],
        "targets": card["targets"],
        "features": card["features"],
        "weights": data.get("weights"),
    }


def _recipe_of(card: Card, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the version's own training was asked for, but for what goes with another solver."""
    asked: dict[str, Any] = dict(card.get("recipe", {}).get("asked", {}))
    dropped = {*_WHEN_TO_STOP}
    for group in (_OF_THE_SOLVER, _OF_THE_LOSS):
        name = group[0]
        if given.get(name, _value(asked, name)) != _value(asked, name):
            dropped.update(group)
    kind = SOLVERS.get(_value(asked, "solver"))
    if kind and kind.squared_only and given.get("loss", "squared") != "squared":
        dropped.update(_OF_THE_SOLVER)
    return {name: value for name, value in asked.items() if name not in dropped}


def _value(asked: Mapping[str, Any], name: str) -> Any:
    return asked.get(name, getattr(Recipe, name))
