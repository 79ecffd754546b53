"""A request for a retraining: its data and its recipe."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from network import Architecture
from registry import Card
from trainer.data.reading.options import Missing, ReadingOptions
from trainer.data.reading.table_file import table_from_file
from trainer.data.synthetic import DEFAULT_SAMPLES, SYNTHETIC, synthetic_table
from trainer.data.table import Table
from trainer.errors import DataError
from trainer.solvers import SOLVERS
from trainer.training.recipe import ENSEMBLE, OF_ONE_NETWORK, RECIPE_OPTIONS, Recipe

_SOLVER_OPTIONS = (
    "solver",
    "learning_rate",
    "schedule",
    "batch_size",
    "epochs",
    "patience",
    "starts",
    "penalty",
)
_LOSS_OPTIONS = ("loss", *(name for name, each in RECIPE_OPTIONS.items() if each.loss))
_STOPPING_OPTIONS = ("max_seconds", "epochs", "patience", "target_mse")


@dataclass(frozen=True)
class Request:
    """Data and recipe of one retraining.

    Attributes
    ----------
    data : "synthetic", or the name of a file in the data folder
    targets, features, weights : its columns, as `table_from_file` takes them
    encoding, categories, missing : as `trainer.data.reading.options.ReadingOptions` takes them
    samples : rows of synthetic data
    recipe : the fields of `trainer.training.recipe.Recipe` that differ from their defaults
    promote : whether the gate may promote the version
    current : the version in use when the request was made

    Raises
    ------
    RecipeError, ArchitectureError
        the options do not describe a training.
    DataError
        the file is outside the data folder, or the columns do not fit the data.
    """

    data: str = SYNTHETIC
    targets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    weights: str | None = None
    encoding: str | None = None
    categories: tuple[str, ...] = ()
    missing: Missing = "impute"
    samples: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    promote: bool = True
    current: int | None = None

    def __post_init__(self) -> None:
        recipe = self.make_recipe()
        Architecture((1, *recipe.layers, 1), recipe.activation)
        if self.data == SYNTHETIC:
            if self.targets or self.features or self.weights:
                raise DataError(
                    "targets, features and weights apply to a file, not to synthetic data"
                )
            if self.reading != ReadingOptions():
                raise DataError(
                    "encoding, categories and missing apply to a file, not to synthetic data"
                )
            return
        path = PurePosixPath(self.data)
        if path.is_absolute() or ".." in path.parts or "\0" in self.data or not path.parts:
            raise DataError(f"data must be a file inside the data folder, got {self.data!r}")
        if self.samples:
            raise DataError("samples applies to synthetic data, not to a file")
        if not self.targets:
            raise DataError("targets is missing: name the columns of the file to predict")

    @classmethod
    def like(cls, card: Card, asked: Mapping[str, Any]) -> Self:
        """Return a request for what was asked. Options that were left out, except those that say
        when to stop, are as in the training of the current version.

        Parameters
        ----------
        card : of the current version; empty if there is none
        asked : the fields of a request, except `current`, and those of the recipe
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
        """Return the request that `as_document` was called on."""
        return cls(**{key: _frozen(value) for key, value in document.items()})

    def as_document(self) -> dict[str, Any]:
        """Return the request as JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @property
    def reading(self) -> ReadingOptions:
        """Return how the file is read."""
        return ReadingOptions(self.encoding, self.categories, self.missing)

    def make_recipe(self) -> Recipe:
        """Return the recipe with its fields."""
        return Recipe(**{key: _frozen(value) for key, value in self.recipe.items()})

    def read(self, folder: Path, poll: Callable[[], object] = lambda: None) -> Table:
        """Return the table.

        Parameters
        ----------
        folder : the data folder; links that lead out of it are refused
        poll : as `table_from_file` takes it

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
                raise DataError("the data folder does not exist: set NUMNET_DATA")
            if not path.is_file():
                raise DataError(f"there is no file {self.data} in the data folder")
        except (OSError, RuntimeError) as error:  # the name is too long, or links form a loop
            raise DataError(f"{self.data} is not a valid file name") from error
        return table_from_file(
            path,
            self.targets,
            self.features,
            self.weights,
            options=self.reading,
            source=self.data,
            poll=poll,
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
        **data.get("reading", {}).get("options", {}),
    }


def _recipe_of(card: Card, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the version's own training, without those that belong to a solver or
    loss other than the given one.
    """
    asked: dict[str, Any] = dict(card.get("recipe", {}).get("asked", {}))
    dropped = {*_STOPPING_OPTIONS, *(OF_ONE_NETWORK if given.get("solver") == ENSEMBLE else ())}
    for group in (_SOLVER_OPTIONS, _LOSS_OPTIONS):
        name = group[0]
        if given.get(name, _value(asked, name)) != _value(asked, name):
            dropped.update(group)
    kind = SOLVERS.get(_value(asked, "solver"))
    if kind and kind.squared_only and given.get("loss", "squared") != "squared":
        dropped.update(_SOLVER_OPTIONS)
    return {name: value for name, value in asked.items() if name not in dropped}


def _value(asked: Mapping[str, Any], name: str) -> Any:
    return asked.get(name, getattr(Recipe, name))
