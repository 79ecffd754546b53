"""Requests for a retraining, and what they inherit from the current version."""

import csv
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import ArchitectureError
from registry import Card, Models, Registry
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.table_file import table_from_file
from trainer.data.synthetic import DEFAULT_SAMPLES, synthetic_table
from trainer.data.table import Table
from trainer.errors import DataError, RecipeError, TrainingFailed
from trainer.jobs.request import Request
from trainer.training.recipe import RECIPE_OPTIONS, Recipe
from trainer.training.training import train

CardOf = Callable[..., Card]


def write_csv(path: Path, header: str = "a,b,c,w,u,v", rows: int = 40) -> Path:
    """Write a table with weights w, and targets u and v."""
    path.parent.mkdir(parents=True, exist_ok=True)
    X = np.random.default_rng(2).uniform(-1.0, 1.0, (rows, 3))
    lines: Iterable[Any] = np.column_stack([X, X[:, :1] ** 2 + 1, X @ [1, 2, 3], X @ [3, 2, 1]])
    with path.open("w") as file:
        csv.writer(file).writerows([header.split(","), *lines])
    return path


@pytest.fixture
def card_of(registry: Registry) -> CardOf:
    """Publish a version that was trained with given options, and return its card."""

    def card_of(table: Table, **options: Any) -> Card:
        trained = train(table, Recipe(layers=(3,), epochs=1, **options))
        return registry.publish(trained.model, trained.card, trained.golden_inputs).card

    return card_of


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.local(tmp_path / "models")


@pytest.fixture
def card(card_of: CardOf, tmp_path: Path) -> Card:
    """A card with several features, weights, and options of every kind."""
    table = table_from_file(write_csv(tmp_path / "sales.csv"), ["u"], ["c", "a"], "w")
    return card_of(table, solver="adam", learning_rate=0.02, penalty=0.001, target_mse=1e-9, seed=5)


# Inheritance


def test_without_a_version_the_options_are_the_defaults() -> None:
    assert Request.like({}, {}) == Request(samples=DEFAULT_SAMPLES)
    assert Request.like({}, {}).make_recipe() == Recipe()


def test_options_are_inherited_except_when_to_stop(card: Card) -> None:
    request = Request.like(card, {})
    assert request == Request(
        data="sales.csv",
        targets=("u",),
        features=("c", "a"),
        weights="w",
        recipe={
            "layers": [3],
            "solver": "adam",
            "learning_rate": 0.02,
            "penalty": 0.001,
            "seed": 5,
        },
        current=1,
    )
    assert request.make_recipe() == Recipe(
        layers=(3,),
        solver="adam",
        learning_rate=0.02,
        penalty=0.001,
        seed=5,
    )


def test_model_is_not_inherited(card: Card) -> None:
    assert Request.like(card | {"model": "pump"}, {}).model is None
    request = Request.like(card, {"model": "plant"})
    assert (request.model, request.data, request.current) == ("plant", "sales.csv", 1)
    assert Request.from_document(request.as_document()) == request


def test_request_without_a_model_is_stored_without_one() -> None:
    document = Request(samples=100).as_document()
    assert "model" not in document  # as earlier releases expect it
    assert Request.from_document(document) == Request(samples=100)


@pytest.mark.parametrize("name", ["", "a/b", "7", "promotions", "a\n", 3, ["plant"]])
def test_what_cannot_be_a_name_is_refused(name: Any) -> None:
    with pytest.raises(RecipeError, match=r"^model must be 1 to 64 letters, "):
        Request(model=name)


def test_model_without_a_name_is_the_default(tmp_path: Path) -> None:
    models = Models.local(tmp_path, "main")
    registry = Request(samples=100).registry(models)
    assert registry.generation() is None
    (tmp_path / "promotions").mkdir()
    assert registry.generation() is not None
    assert Request(samples=100, model="plant").registry(models).generation() is None


def test_schedule_is_inherited(card_of: CardOf, make_table: Callable[..., Table]) -> None:
    card = card_of(make_table(), every="0 3 * * *")
    assert Request.like(card, {"targets": ["u"]}).recipe["every"] == "0 3 * * *"
    assert Request.like(card, {"every": "never"}).recipe["every"] == "never"


def test_automatic_choices_are_not_inherited(card_of: CardOf) -> None:
    card = card_of(synthetic_table(60, 0))
    assert card["recipe"]["solver"] == "self-scaled-broyden"
    assert Request.like(card, {}).recipe == {"layers": [3]}


def test_number_of_synthetic_rows_is_inherited(card_of: CardOf) -> None:
    card = card_of(synthetic_table(73, 0))
    assert Request.like(card, {}).samples == 73
    assert Request.like(card, {"samples": 20}).samples == 20
    table = Request.like(card, {}).read(Path("nowhere"))
    assert table.fingerprint() == card["data"]["fingerprint"]


def test_given_options_take_precedence(card: Card) -> None:
    asked = {"layers": [], "seed": 0, "weights": None, "features": ["b"], "promote": False}
    request = Request.like(card, asked)
    assert request.make_recipe().layers == ()
    assert request.make_recipe().seed == 0
    assert (request.weights, request.features, request.promote) == (None, ("b",), False)
    assert request.make_recipe().learning_rate == 0.02


@pytest.mark.parametrize(
    ("asked", "dropped"),
    [
        ({"solver": "l-bfgs"}, {"learning_rate", "penalty"}),
        ({"solver": "auto"}, {"learning_rate", "penalty"}),
        ({"solver": "adam"}, set()),
        ({"loss": "huber"}, set()),
        ({"layers": [4]}, set()),
        ({"data": "other.csv", "targets": ["u"]}, set()),
        ({"data": "sales.csv"}, set()),
        ({"targets": ["v"]}, set()),
        ({"targets": ["u"]}, set()),
    ],
)
def test_options_of_another_solver_are_dropped(
    card: Card, asked: dict[str, Any], dropped: set[str]
) -> None:
    before, after = Request.like(card, {}).recipe, Request.like(card, asked).recipe
    given = {key: value for key, value in asked.items() if key not in ("data", "targets")}
    assert after == {key: before[key] for key in before.keys() - dropped} | given


@pytest.mark.parametrize(
    ("options", "asked", "kept"),
    [
        ({"loss": "huber", "huber_delta": 0.7}, {"loss": "squared"}, {"loss"}),
        ({"loss": "huber", "huber_delta": 0.7}, {"loss": "quantile"}, {"loss"}),
        (
            {"loss": "huber", "huber_delta": 0.7},
            {"loss": "huber"},
            {"loss", "huber_delta"},
        ),
        ({"loss": "quantile", "quantile": 0.9}, {"quantile": 0.8}, {"loss", "quantile"}),
        ({"starts": 2}, {"solver": "auto"}, {"starts", "solver"}),
        ({"starts": 2}, {"loss": "squared"}, {"starts", "loss"}),
        ({"solver": "levenberg-marquardt"}, {"loss": "huber"}, {"loss"}),
        ({"solver": "levenberg-marquardt"}, {"loss": "squared"}, {"solver", "loss"}),
    ],
)
def test_options_of_a_solver_or_a_loss_are_kept_with_it(
    card_of: CardOf, options: dict[str, Any], asked: dict[str, Any], kept: set[str]
) -> None:
    request = Request.like(card_of(synthetic_table(60, 0), **options), asked)
    assert request.recipe.keys() == {"layers", *kept}


def test_columns_are_inherited_with_the_file(card: Card) -> None:
    other = Request.like(card, {"data": "other.csv", "targets": ["v"]})
    assert (other.targets, other.features, other.weights) == (("v",), (), None)
    same = Request.like(card, {"data": "sales.csv"})
    assert (same.targets, same.features, same.weights) == (("u",), ("c", "a"), "w")


def test_columns_are_inherited_by_another_file_without_targets(
    card: Card, card_of: CardOf, tmp_path: Path
) -> None:
    request = Request.like(card, {"data": "other.csv"})
    assert request == replace(Request.like(card, {}), data="other.csv")
    write_csv(tmp_path / "other.csv", rows=50)
    table = request.read(tmp_path)
    assert (table.targets, table.features, len(table.X)) == (("u",), ("c", "a"), 50)
    given = Request.like(card, {"data": "other.csv", "features": ["b"], "weights": "a"})
    assert (given.targets, given.features, given.weights) == (("u",), ("b",), "a")
    with pytest.raises(DataError, match=r"^targets is missing: name the columns"):
        Request.like(card, {"data": "other.csv", "targets": []})
    for untrained_from_a_table in (card_of(synthetic_table(60, 0)), {}):
        with pytest.raises(DataError, match=r"^targets is missing: name the columns .*`targets`"):
            Request.like(untrained_from_a_table, {"data": "other.csv"})


def test_how_the_file_is_read_is_inherited_with_it(card_of: CardOf, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "sales.csv")
    options = ReadingOptions("latin-1", ("a",), "refuse")
    card = card_of(table_from_file(path, ["u"], ["b", "c"], options=options))
    assert Request.like(card, {}).reading == options
    assert Request.like(card, {"missing": "impute"}).reading.categories == ("a",)
    assert Request.like(card, {"data": "b.csv"}).reading == options
    assert Request.like(card, {"data": "b.csv", "targets": ["u"]}).reading == ReadingOptions()


def test_features_are_inherited_with_the_targets(card: Card) -> None:
    assert Request.like(card, {"targets": ["c"]}).features == ()  # c was a feature
    assert Request.like(card, {"targets": ["c"]}).weights == "w"
    assert Request.like(card, {"targets": ["u"]}).features == ("c", "a")


def test_columns_of_a_file_are_dropped_for_synthetic_data(card: Card) -> None:
    request = Request.like(card, {"data": "synthetic", "samples": 30})
    assert (request.data, request.samples, request.targets) == ("synthetic", 30, ())
    assert Request.like(card, {"data": "synthetic"}).samples is None


# Refusals


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"targets": ("u",)}, DataError, "targets, features and weights apply to a file, not"),
        ({"features": ("a",)}, DataError, "targets, features and weights apply to a file, not"),
        ({"weights": "w"}, DataError, "targets, features and weights apply to a file, not"),
        ({"encoding": "cp1252"}, DataError, "encoding, categories and missing apply to a file"),
        ({"missing": "drop"}, DataError, "missing must be one of impute, refuse, got 'drop'"),
        ({"data": "a.csv", "samples": 9}, DataError, "samples applies to synthetic data"),
        ({"data": "a.csv"}, DataError, "targets is missing"),
        ({"recipe": {"solver": "lbfgs"}}, RecipeError, "solver must be one of auto, ensemble, sgd"),
        ({"recipe": {"layers": [0]}}, RecipeError, "layers must be whole numbers from 1"),
        (
            {"recipe": {"layers": [4] * 100}},
            ArchitectureError,
            "101 layers of weights are too many",
        ),
        ({"recipe": {"activation": "cosh"}}, RecipeError, "activation must be one of tanh"),
        ({"recipe": {"learning_rate": 1.0}}, RecipeError, "learning_rate applies to solver"),
    ],
)
def test_invalid_options_are_refused(
    fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{message}"):
        Request(**fields)


@pytest.mark.parametrize(
    "data",
    ["", ".", "./", "..", "../a.csv", "a/../../b.csv", "a/..", "/etc/passwd", "//a", "a\0.csv"],
)
def test_path_out_of_the_data_folder_is_refused(data: str) -> None:
    with pytest.raises(DataError, match=r"^data must be a file inside the data folder, got '"):
        Request(data=data, targets=("u",))


def test_link_out_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    secret = write_csv(tmp_path / "secret" / "a.csv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file.csv").symlink_to(secret)
    (tmp_path / "data" / "folder").symlink_to(secret.parent)
    for data in ("file.csv", "folder/a.csv"):
        with pytest.raises(DataError, match=rf"^{data} is not inside the data folder$"):
            Request(data=data, targets=("u",)).read(tmp_path / "data")


def test_link_within_the_data_folder_is_followed(tmp_path: Path) -> None:
    write_csv(tmp_path / "data" / "2025" / "a.csv")
    (tmp_path / "data" / "latest.csv").symlink_to("2025/a.csv")
    (tmp_path / "linked").symlink_to("data")
    for data in ("2025/a.csv", "latest.csv"):
        table = Request(data=data, targets=("u",)).read(tmp_path / "linked")
        assert (len(table.X), table.source) == (40, data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("other.csv", "there is no file other.csv in the data folder"),
        ("folder", "there is no file folder in the data folder"),
        ("pipe", "there is no file pipe in the data folder"),
        ("a" * 300, "a{300} is not a valid file name"),
        ("loop", "loop is not a valid file name"),
    ],
)
def test_missing_or_special_file_is_refused(tmp_path: Path, data: str, problem: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DataError, match=f"^{problem}$"):
        Request(data=data, targets=("u",)).read(tmp_path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", r"is empty: expected a header with column names"),
        ("a,b\n1,2\n", r"has no column 'u'; its columns are: a, b"),
        ("a,u\n1,x\n", "cannot be used:\n  line 2, column 'u': expected a finite number, got 'x'"),
        ("a,u\n1,2\n", r"has 1 row; a training needs at least 10"),
    ],
)
def test_bad_file_is_named_without_the_data_folder(
    tmp_path: Path, content: str, problem: str
) -> None:
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(DataError) as caught:
        Request(data="bad.csv", targets=("u",)).read(tmp_path)
    assert str(caught.value).startswith("bad.csv")
    assert problem in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_reading_can_be_interrupted(tmp_path: Path) -> None:
    write_csv(tmp_path / "long.csv", rows=200)

    class Ended(Exception):
        pass

    def poll() -> None:
        raise Ended

    with pytest.raises(Ended):
        Request(data="long.csv", targets=("u",)).read(tmp_path, poll)


# As JSON


@pytest.mark.parametrize(
    "request_",
    [
        Request(),
        Request(samples=20, promote=False, recipe={"layers": [], "seed": 3}),
        Request(
            data="a/ä b.csv",
            targets=("u", "v"),
            features=("a", "b"),
            weights="w",
            recipe={"layers": [8, 4], "loss": "quantile", "quantile": 0.1, "max_seconds": 1.5},
        ),
    ],
)
def test_request_round_trips_through_json(request_: Request) -> None:
    document = json.loads(json.dumps(request_.as_document()))
    assert Request.from_document(document) == request_
    assert Request.from_document(document).make_recipe() == request_.make_recipe()


def test_inherited_request_round_trips_through_json(card: Card) -> None:
    request = Request.like(card, {"layers": [5, 5]})
    assert Request.from_document(json.loads(json.dumps(request.as_document()))) == request


# Cards of other origin


@pytest.mark.parametrize(
    "value", [None, [], {}, "text", -1, 1.5, True, [[]], {"a": []}, 2**63], ids=repr
)
@pytest.mark.parametrize(
    "path",
    [
        ["data"],
        ["data", "source"],
        ["data", "rows"],
        ["data", "rows", "train"],
        ["data", "weights"],
        ["data", "reading"],
        ["data", "reading", "options"],
        ["data", "reading", "options", "categories"],
        ["data", "reading", "options", "missing"],
        ["data", "reading", "options", "unknown"],
        ["recipe"],
        ["recipe", "asked"],
        *(["recipe", "asked", name] for name in (*RECIPE_OPTIONS, "unknown")),
    ],
    ids=".".join,
)
def test_odd_card_is_ignored_or_refused(card: Card, path: list[str], value: Any) -> None:
    odd = json.loads(json.dumps(card))
    place = odd
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    with suppress(DataError, RecipeError, ArchitectureError):
        Request.like(odd, {}).as_document()
    asked = {"data": "other.csv", "targets": ["v"], **vars(Recipe())}
    assert Request.like(odd, asked).data == "other.csv"


def test_job_of_a_model_is_not_done_for_the_default_that_has_got_its_name(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="for another model than the one that is called pump"):
        Request(model="pump").registry(Models.local(tmp_path, "pump"))
    assert Request(model="pump").registry(Models.local(tmp_path, "numnet")).versions() == []
