"""A request for a retraining: its data and its recipe."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from config.model_names import EXPECTED, is_model_name
from network import Architecture
from registry import Card, Models, Registry, card_object
from trainer.data.reading.options import MISSING, Missing, ReadingOptions
from trainer.data.reading.table_file import table_from_file
from trainer.data.synthetic import DEFAULT_SAMPLES, SYNTHETIC, synthetic_table
from trainer.data.table import MIN_ROWS, Table
from trainer.errors import DataError, RecipeError, TrainingFailed
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
_READING_OPTIONS = ("encoding", "categories", "missing")
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
    force : whether to train although data, recipe and code are those of the version in use
    current : the version in use when the request was made
    model : the name of the model; None for the default, whatever its name is

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
    force: bool = False
    current: int | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        self._check_types()
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
            raise DataError(
                "targets is missing: name the columns of the file to predict in `targets`, beside "
                "`data`; it can be left out only if the current version was trained from a table"
            )

    @classmethod
    def like(cls, card: Card, asked: Mapping[str, Any]) -> Self:
        """Return a request for what was asked. Options that were left out, except those that say
        when to stop, are as in the training of the current version. Another file is taken to have
        the same columns, unless its targets are given.

        Parameters
        ----------
        card : of the current version; empty if there is none
        asked : the fields of a request, except `current`, and those of the recipe; `model` is not
            inherited
        """
        data = _data_of(card, asked)
        other_data = asked.get("data", data["data"]) != data["data"]
        other_targets = list(asked.get("targets", ())) not in ([], list(data.get("targets", ())))
        both = (asked.get("data"), data["data"])
        if other_data and (asked.get("targets") or SYNTHETIC in both):
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
        """Return the request as JSON, without a model if it is the default one."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if key != "model" or value is not None
        }

    @property
    def reading(self) -> ReadingOptions:
        """Return how the file is read."""
        return ReadingOptions(self.encoding, self.categories, self.missing)

    def make_recipe(self) -> Recipe:
        """Return the recipe with its fields."""
        return Recipe(**{key: _frozen(value) for key, value in self.recipe.items()})

    def registry(self, models: Models) -> Registry:
        """Return the registry of the model, which need not exist.

        Raises
        ------
        TrainingFailed
            the default model has got the name of the model.
        """
        if self.model == models.default:
            raise TrainingFailed(
                f"the job was submitted for another model than the one that is called {self.model} "
                f"now, by NUMNET_MODEL_NAME"
            )
        return models.registry(self.model or models.default)

    def _check_types(self) -> None:
        """Refuse what a card or a stored request of other origin may contain."""
        if self.model is not None and not (
            isinstance(self.model, str) and is_model_name(self.model)
        ):
            raise RecipeError(f"model must be {EXPECTED}, got {self.model!r}")
        for name in ("targets", "features", "categories"):
            names = getattr(self, name)
            if not isinstance(names, tuple) or not all(isinstance(each, str) for each in names):
                raise DataError(f"{name} must be column names")
        for name in ("data", "weights", "encoding"):
            text = getattr(self, name)
            if not isinstance(text, str) and (text is not None or name == "data"):
                raise DataError(f"{name} must be a text")
        if self.missing not in MISSING:
            raise DataError(f"missing must be one of {', '.join(MISSING)}, got {self.missing!r}")
        if not isinstance(self.samples, int | None):
            raise DataError("samples must be a whole number")

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


def _data_of(card: Card, asked: Mapping[str, Any]) -> dict[str, Any]:
    data = card_object(card, "data")
    source = data.get("source", SYNTHETIC)
    if source == SYNTHETIC:
        rows = card_object(data, "rows").values()
        count = sum(each for each in rows if isinstance(each, int))
        return {"data": SYNTHETIC, "samples": count if count >= MIN_ROWS else DEFAULT_SAMPLES}
    if not isinstance(source, str) and "data" not in asked:
        raise DataError("the current version does not say what it was trained on: give data")
    options = card_object(data, "reading", "options")
    return {
        "data": source,
        "targets": card["targets"],
        "features": card["features"],
        "weights": data.get("weights"),
        **{name: options[name] for name in _READING_OPTIONS if name in options},
    }


def _recipe_of(card: Card, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the version's own training, without those that belong to a solver or
    loss other than the given one.

    Raises
    ------
    RecipeError
        the card has a value that its option does not accept.
    """
    asked = _asked_of(card, given)
    dropped = {*_STOPPING_OPTIONS, *(OF_ONE_NETWORK if given.get("solver") == ENSEMBLE else ())}
    for group in (_SOLVER_OPTIONS, _LOSS_OPTIONS):
        name = group[0]
        if given.get(name, _value(asked, name)) != _value(asked, name):
            dropped.update(group)
    kind = SOLVERS.get(_value(asked, "solver"))
    if kind and kind.squared_only and given.get("loss", "squared") != "squared":
        dropped.update(_SOLVER_OPTIONS)
    return {name: value for name, value in asked.items() if name not in dropped}


def _asked_of(card: Card, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the version was trained with. Options of other releases of numnet
    are left out, and so are unusable values of options that are given now.
    """
    options = card_object(card, "recipe", "asked")
    known = {name: value for name, value in options.items() if name in RECIPE_OPTIONS}
    for name in [name for name in known if not RECIPE_OPTIONS[name].accepts(_frozen(known[name]))]:
        if name not in given:
            expected = RECIPE_OPTIONS[name].values.expected
            raise RecipeError(
                f"{name} must be {expected}, and the current version has another value: give {name}"
            )
        del known[name]
    return known


def _value(asked: Mapping[str, Any], name: str) -> Any:
    return asked.get(name, getattr(Recipe, name))
