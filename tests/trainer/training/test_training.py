"""From a table to a trained model with its card."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import ArchitectureError, Array
from network.column import numbers
from tests.single_network import network
from trainer.data.split import split
from trainer.data.table import Table
from trainer.errors import TrainingFailed
from trainer.solvers import SOLVERS
from trainer.training.checkpoint import Checkpoint
from trainer.training.epoch import Epoch
from trainer.training.identity import training_identity
from trainer.training.recipe import Recipe
from trainer.training.training import train
from trainer.training.watchdog import Stopped

MakeTable = Callable[..., Table]
NOON = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)
SHORT = Recipe(layers=(5, 4), epochs=4, starts=1)


def test_the_seed_decides_the_bits(make_table: MakeTable) -> None:
    table = make_table(targets=2)

    def theta(seed: int) -> bytes:
        return network(train(table, replace(SHORT, seed=seed)).model).theta.tobytes()

    assert theta(3) == theta(3) != theta(4)


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_a_linear_function(solver: str, make_table: MakeTable) -> None:
    recipe = Recipe(layers=(), activation="identity", solver=solver, epochs=1000)
    trained = train(make_table(rows=100), recipe)
    np.testing.assert_allclose(
        trained.model.predict([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])[:, 0], [1, 3, -2], atol=1e-3
    )
    assert trained.metrics["r2"] > 0.99999


def test_a_large_offset_of_a_feature_does_not_matter() -> None:
    offsets = np.linspace(-1.0, 1.0, 200)[:, None]

    def r2(t: Array) -> float:
        table = Table(numbers(("t",)), ("y",), t, np.sin(3 * offsets), "made")
        return float(train(table, Recipe(layers=(8,), epochs=200)).metrics["r2"])

    assert r2(1.7e9 + offsets) == pytest.approx(r2(offsets), abs=1e-3)
    assert r2(offsets) > 0.9


def test_several_targets_are_learned_together(make_table: MakeTable) -> None:
    trained = train(make_table(rows=200, targets=3), Recipe(layers=(16,), epochs=300))
    assert trained.model.predict([[0.1, 0.2]]).shape == (1, 3)
    assert list(trained.metrics["targets"]) == ["u", "v", "w"]
    assert min(each["r2"] for each in trained.metrics["targets"].values()) > 0.9


def test_metrics_are_those_of_the_test_rows(make_table: MakeTable) -> None:
    trained = train(make_table(rows=60), SHORT)  # 6 test rows, all of them golden
    a, b = trained.golden_inputs.T
    errors = trained.model.predict(trained.golden_inputs)[:, 0] - (2 * a - 3 * b + 1)
    assert len(errors) == 6
    assert trained.metrics["mse"] == pytest.approx(np.mean(errors**2), rel=1e-12)


def test_the_report_shows_the_test_rows_and_their_residuals(make_table: MakeTable) -> None:
    trained = train(make_table(rows=60, targets=2), SHORT)
    report = trained.card["test_report"]
    assert list(report) == ["u", "v"]
    predicted = trained.model.predict(trained.golden_inputs)
    for k, shown in enumerate(report.values()):
        assert shown["predicted"] == predicted[:, k].tolist()
        residuals = predicted[:, k] - shown["actual"]
        quantiles = shown["residuals"]["quantiles"]
        assert (quantiles["0.0"], quantiles["1.0"]) == (residuals.min(), residuals.max())
        assert sum(shown["residuals"]["histogram"]["counts"]) == 6


def test_weights_decide_which_rows_count_more(make_table: MakeTable) -> None:
    a = np.tile(np.linspace(-1.0, 1.0, 500), 4)[:, None]
    high = np.arange(2000) < 1000
    Y = np.where(high, 1.0, 0.0)[:, None] + 0.0 * a
    weights = np.where(high, 3.0, 1.0)
    table = Table(numbers(("a",)), ("y",), a, Y, "made", weights, "w")
    recipe = Recipe(layers=(), activation="identity", solver="bfgs", epochs=50)
    trained = train(table, recipe)
    assert trained.card["data"]["weights"] == "w"
    assert trained.model.predict([[0.0]])[0, 0] == pytest.approx(0.75, abs=0.05)
    unweighted = train(replace(table, weights=None), recipe)
    assert unweighted.model.predict([[0.0]])[0, 0] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("quantile", "least", "most"), [(0.1, 0.05, 0.15), (0.9, 0.85, 0.95)])
def test_the_quantile_loss_finds_the_quantile(quantile: float, least: float, most: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (2000, 1))
    Y = x + rng.normal(size=x.shape)
    recipe = Recipe(layers=(), activation="identity", loss="quantile", quantile=quantile, epochs=99)
    model = train(Table(numbers(("x",)), ("y",), x, Y, "made"), recipe).model
    assert least < float((model.predict(x) > Y).mean()) < most


def test_metrics_of_the_quantile_loss_have_the_share_below(make_table: MakeTable) -> None:
    recipe = replace(SHORT, loss="quantile", quantile=0.9)
    below = train(make_table(), recipe).metrics["below"]
    assert 0.0 <= below <= 1.0
    assert "below" not in train(make_table(), SHORT).metrics


@pytest.mark.parametrize("solver", ["auto", "adam", "ensemble"])
@pytest.mark.parametrize("loss", ["huber", "quantile"])
def test_robust_losses_fit_the_rows_without_outliers_of_the_target(solver: str, loss: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.0, 1.0, (300, 1))
    Y = np.sin(2.0 * X) + rng.normal(0.0, 0.03, X.shape)
    Y[rng.choice(300, 3, replace=False)] = 1e6
    options: dict[str, Any] = {} if solver == "ensemble" else {"epochs": 100, "layers": (8,)}
    recipe = Recipe(solver=solver, loss=loss, max_seconds=20.0, **options)
    model = train(Table(numbers(("x",)), ("y",), X, Y, "made"), recipe).model
    x = np.linspace(-0.9, 0.9, 50)[:, None]
    assert np.sqrt(np.mean((model.predict(x) - np.sin(2.0 * x)) ** 2)) < 0.05


@pytest.mark.parametrize("solver", ["auto", "ensemble"])
def test_features_whose_squares_underflow_are_learnt_from(solver: str) -> None:
    X = np.random.default_rng(0).uniform(-1e-200, 1e-200, (100, 1))
    options: dict[str, Any] = {"epochs": 60, "layers": (4,)} if solver == "auto" else {}
    recipe = Recipe(solver=solver, max_seconds=20.0, **options)
    trained = train(Table(numbers(("x",)), ("y",), X, 1e200 * X, "made"), recipe)
    assert trained.metrics["r2"] > 0.99
    assert trained.card["warnings"] == []


@pytest.mark.parametrize("solver", ["adam", "ensemble"])
def test_version_worse_than_the_mean_has_a_warning(solver: str) -> None:
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    table = Table(numbers(("a", "b", "c")), ("u", "v"), X, Y, "noise")
    options: dict[str, Any] = (
        {"epochs": 30, "learning_rate": 0.1, "layers": (30,)} if solver == "adam" else {}
    )
    trained = train(table, Recipe(solver=solver, max_seconds=20.0, **options))
    r2 = {name: entry["r2"] for name, entry in trained.metrics["targets"].items()}
    expected = [
        f"R² of {name} is {value:.3g} on rows that it was not trained on: its squared errors are "
        f"larger than if it always predicted the mean of these rows"
        for name, value in r2.items()
        if value < 0
    ]
    assert expected
    assert trained.card["warnings"] == expected


@pytest.mark.parametrize("solver", ["auto", "adam", "ensemble"])
def test_training_ended_by_the_time_limit_has_a_warning(make_table: MakeTable, solver: str) -> None:
    ticks = itertools.count()
    options: dict[str, Any] = {} if solver == "ensemble" else {"layers": (8,), "epochs": 10_000}
    recipe = Recipe(solver=solver, max_seconds=300.0, **options)
    trained = train(make_table(rows=200), recipe, clock=lambda: float(next(ticks)))
    assert trained.stopped is Stopped.TIME
    assert trained.card["warnings"][0] == (
        "the time limit of 300 s ended the training; with more time (max_seconds), its error may "
        "become smaller"
    )


def test_the_huber_loss_is_robust_to_outliers() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (500, 1))
    Y = 2.0 * x + np.where(rng.uniform(size=x.shape) < 0.1, 50.0, 0.0)

    def slope_and_offset(loss: str) -> Array:
        delta = 0.01 if loss == "huber" else Recipe.huber_delta
        recipe = Recipe(layers=(), activation="identity", loss=loss, huber_delta=delta, epochs=200)
        model = train(Table(numbers(("x",)), ("y",), x, Y, "made"), recipe).model
        return np.asarray(model.predict([[0.0], [1.0]])[:, 0])

    np.testing.assert_allclose(slope_and_offset("huber"), [0.0, 2.0], atol=0.1)
    assert slope_and_offset("squared")[0] > 2.0


def test_a_penalty_reduces_the_weights(make_table: MakeTable) -> None:
    table = make_table(rows=60)
    without, penalised = (
        network(train(table, replace(SHORT, solver="bfgs", epochs=60, penalty=penalty)).model).theta
        for penalty in (0.0, 0.1)
    )
    assert np.linalg.norm(penalised) < np.linalg.norm(without)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "adam"])
def test_a_training_resumed_from_its_checkpoint_gives_the_same_bits(
    solver: str, make_table: MakeTable, tmp_path: Path
) -> None:
    table, recipe = make_table(rows=60), replace(SHORT, solver=solver, starts=3, epochs=120)
    identity = training_identity(table, recipe)
    watched: list[Epoch] = []
    resumed_epochs: list[Epoch] = []
    train(
        table,
        recipe,
        checkpoint=Checkpoint(tmp_path, identity, 0.0, clock=lambda: 0.0),  # every epoch
        watch=watched.append,
        stop=lambda: len(watched) == 50,
    )
    resumed = train(
        table,
        recipe,
        checkpoint=Checkpoint(tmp_path, identity),
        resume=Checkpoint(tmp_path, identity).read(),
        watch=resumed_epochs.append,
    )
    whole = train(table, recipe)
    assert resumed_epochs[0].epoch == len(watched) + 1 == 51
    assert network(resumed.model).theta.tobytes() == network(whole.model).theta.tobytes()
    assert resumed.card["training"]["epochs"] == whole.card["training"]["epochs"]


def test_equal_weights_of_any_size_give_the_same_model() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-3.0, 3.0, (150, 1))
    table = Table(numbers(("x",)), ("y",), x, np.sin(x) + rng.normal(0.0, 0.2, x.shape), "made")
    recipe = Recipe(layers=(12,), solver="bayesian-regularization")
    thetas = [
        network(train(replace(table, weights=weights), recipe).model).theta
        for weights in (None, np.full(150, 2.0**-10), np.full(150, 2.0**20))
    ]
    np.testing.assert_allclose(thetas[1], thetas[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(thetas[2], thetas[0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_time_limit_too_short_for_one_iteration_is_a_training_failure(
    solver: str, make_table: MakeTable
) -> None:
    with pytest.raises(TrainingFailed, match=r"time limit.*before it found anything better"):
        train(make_table(), replace(SHORT, solver=solver, starts=None, max_seconds=1e-9))


def test_an_interrupt_before_the_first_iteration_is_reported(make_table: MakeTable) -> None:
    trained = train(make_table(), SHORT, stop=lambda: True)
    assert trained.stopped is Stopped.INTERRUPTED
    assert trained.card["training"]["best_epoch"] == 0


def test_an_interrupted_training_writes_a_checkpoint_at_any_interval(
    make_table: MakeTable, tmp_path: Path
) -> None:
    table, recipe = make_table(rows=60), replace(SHORT, epochs=40)
    identity = training_identity(table, recipe)
    watched: list[Epoch] = []
    train(
        table,
        recipe,
        checkpoint=Checkpoint(tmp_path, identity),
        watch=watched.append,
        stop=lambda: len(watched) == 7,
    )
    state = Checkpoint(tmp_path, identity).read()
    assert state is not None
    assert len(state["history"]) == len(watched) == 7
    resumed, whole = train(table, recipe, resume=state), train(table, recipe)
    assert network(resumed.model).theta.tobytes() == network(whole.model).theta.tobytes()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": "huber"},
        {"loss": "quantile", "quantile": 0.4},
        {"solver": "adam", "schedule": "constant"},
    ],
    ids=str,
)
def test_a_target_error_ends_the_training_at_the_first_epoch_that_reaches_it(
    options: dict[str, Any], weighted: bool, make_table: MakeTable
) -> None:
    table = make_table(rows=200, targets=3)
    units = np.array([1.0, 0.01, 1.0])  # all targets would count equally if they were scaled
    weights = np.linspace(0.5, 5.0, 200) if weighted else None
    table = replace(table, Y=units * table.Y, weights=weights)
    recipe = Recipe(layers=(8,), starts=1, epochs=300, target_mse=0.05, **options)

    def validation_mse(epochs: int) -> float:
        model = train(table, replace(recipe, epochs=epochs, target_mse=None)).model
        split_rng, _ = np.random.default_rng(recipe.seed).spawn(2)
        rows = split(table, split_rng).validation
        squares = ((model.predict(rows.X) - rows.Y) ** 2).mean(axis=1)
        return float(np.average(squares, weights=rows.weights))

    trained = train(table, recipe)
    epochs = trained.card["training"]["epochs"]
    assert trained.stopped is Stopped.TARGET
    assert trained.card["training"]["best_epoch"] == epochs
    assert validation_mse(epochs) <= 0.05 < validation_mse(epochs - 1)


def test_a_target_error_out_of_reach_has_no_effect(make_table: MakeTable) -> None:
    table = make_table()
    without, with_target = (train(table, replace(SHORT, target_mse=mse)) for mse in (None, 1e-300))
    assert with_target.stopped is Stopped.EPOCHS
    assert network(with_target.model).theta.tobytes() == network(without.model).theta.tobytes()


def test_a_checkpoint_that_reaches_a_larger_target_error_is_the_result(
    make_table: MakeTable, tmp_path: Path
) -> None:
    table, recipe = make_table(rows=60), replace(SHORT, epochs=40)
    watched: list[Epoch] = []
    first = train(
        table,
        recipe,
        checkpoint=Checkpoint(tmp_path, training_identity(table, recipe)),
        watch=watched.append,
        stop=lambda: len(watched) == 20,
    )
    larger = replace(recipe, target_mse=1e3)
    state = Checkpoint(tmp_path, training_identity(table, larger)).read()
    resumed = train(table, larger, resume=state, watch=watched.append)
    assert (resumed.stopped, len(watched)) == (Stopped.TARGET, 20)
    assert network(resumed.model).theta.tobytes() == network(first.model).theta.tobytes()


def test_a_training_can_be_resumed_with_another_time_limit_or_target_error(
    make_table: MakeTable,
) -> None:
    table = make_table()
    identity = training_identity(table, SHORT)
    assert training_identity(table, replace(SHORT, max_seconds=1.0)) == identity
    assert training_identity(table, replace(SHORT, target_mse=1.0)) == identity
    assert training_identity(table, replace(SHORT, every="never")) == identity
    assert "every" not in identity["recipe"]  # which older checkpoints do not have
    assert training_identity(table, replace(SHORT, seed=9)) != identity
    assert training_identity(make_table(rows=61), SHORT) != identity


def test_the_test_rows_do_not_affect_the_model(make_table: MakeTable) -> None:
    table = make_table(rows=60)
    trained = train(table, SHORT)
    test_rows = (table.X[:, None] == trained.golden_inputs).all(axis=2).any(axis=1)
    assert test_rows.sum() == 6
    many = make_table(rows=1000)
    outliers = replace(many, X=1000.0 * many.X, Y=many.Y - 1000.0)
    held_out = split(outliers, np.random.default_rng(0)).test  # also among other rows
    X, Y = table.X.copy(), table.Y.copy()
    X[test_rows], Y[test_rows] = held_out.X[:6], held_out.Y[:6]
    other = train(replace(table, X=X, Y=Y), SHORT)
    np.testing.assert_array_equal(other.golden_inputs, held_out.X[:6])
    for part in ("theta", "feature_range"):
        assert getattr(other.model, part).tobytes() == getattr(trained.model, part).tobytes()
    for scaling in ("feature_scaling", "target_scaling"):
        first, second = getattr(trained.model, scaling), getattr(other.model, scaling)
        np.testing.assert_array_equal([first.shift, first.scale], [second.shift, second.scale])
    assert other.metrics["mse"] > 1e5


def test_golden_inputs_are_a_few_rows_of_the_table(make_table: MakeTable) -> None:
    table = make_table(rows=500)
    golden = train(table, SHORT).golden_inputs
    assert golden.shape == (8, 2)
    assert (table.X[:, None] == golden).all(axis=2).any(axis=0).all()


def test_ten_rows_and_a_constant_feature_are_enough(make_table: MakeTable) -> None:
    ten = make_table(rows=10)
    constant = replace(ten, X=np.column_stack([np.full(10, 0.1), ten.X[:, 1]]))
    trained = train(constant, replace(SHORT, epochs=200, seed=1))
    assert trained.card["data"]["rows"] == {"train": 8, "validation": 1, "test": 1}
    assert np.isfinite(trained.model.predict(constant.X)).all()
    assert trained.metrics["r2"] is None  # of one row


def test_the_card_is_json_and_records_the_training(make_table: MakeTable) -> None:
    table = make_table()
    trained = train(table, SHORT, now=lambda: NOON)
    card: dict[str, Any] = json.loads(json.dumps(trained.card, allow_nan=False))
    assert card["created_at"] == "2024-02-29T12:00:00+00:00"
    assert card["recipe"]["layers"] == [5, 4]
    assert card["recipe"]["asked"] == {"layers": [5, 4], "epochs": 4, "starts": 1}
    assert card["recipe"]["solver"] == "self-scaled-broyden"
    assert card["training"]["decisions"][0].startswith("self-scaled-broyden: 44 parameters")
    assert card["data"] == {
        "source": "made",
        "fingerprint": table.fingerprint(),
        "rows": {"train": 48, "validation": 6, "test": 6},
        "weights": None,
    }
    assert card["metrics"].keys() == {"test", "calibration"}
    assert card["metrics"]["test"] == trained.metrics
    assert card["training"]["stopped"] == "all epochs done"
    assert [epoch["epoch"] for epoch in card["training"]["history"]] == [1, 2, 3, 4]
    assert card["libraries"]["numpy"] == np.__version__


@pytest.mark.parametrize(("epochs", "points"), [(200, 200), (201, 101), (500, 168), (1000, 201)])
def test_a_long_history_is_thinned_except_its_ends(
    epochs: int, points: int, make_table: MakeTable
) -> None:
    recipe = Recipe(
        layers=(),
        solver="adam",
        starts=1,
        epochs=epochs,
        patience=epochs,
        learning_rate=1e-4,
        batch_size=48,
    )
    record = train(make_table(), recipe).card["training"]
    numbers = [epoch["epoch"] for epoch in record["history"]]
    assert (numbers[0], numbers[-1], len(numbers)) == (1, epochs, points)
    assert record["epochs"] == epochs


def test_the_time_limit_is_measured_by_the_given_clock(make_table: MakeTable) -> None:
    clock = itertools.count()
    trained = train(
        make_table(), replace(SHORT, epochs=1000, max_seconds=50.0), clock=lambda: next(clock)
    )
    assert trained.stopped is Stopped.TIME
    assert 50 < trained.seconds < 60


def test_stop_and_watch_reach_the_loop(make_table: MakeTable) -> None:
    watched: list[Epoch] = []
    trained = train(make_table(), SHORT, watch=watched.append, stop=lambda: len(watched) == 2)
    assert trained.stopped is Stopped.INTERRUPTED
    assert [epoch.epoch for epoch in watched] == [1, 2]


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_a_training_that_diverges_immediately_is_refused(
    activation: str, make_table: MakeTable
) -> None:
    recipe = replace(SHORT, activation=activation, solver="sgd", learning_rate=1e9, epochs=50)
    with pytest.raises(TrainingFailed, match=r"diverged.*try a learning rate below 1e\+09"):
        train(make_table(), recipe)


def test_too_many_layers_are_refused(make_table: MakeTable) -> None:
    with pytest.raises(ArchitectureError, match="101 layers of weights are too many"):
        train(make_table(), Recipe(layers=(4,) * 100))


def test_the_model_has_the_names_and_feature_range_of_its_table(make_table: MakeTable) -> None:
    table = make_table(rows=100)
    model = train(table, SHORT).model
    assert (model.features, model.targets) == (table.features, table.targets)
    assert np.isin(model.feature_range, table.X).all()
    assert model.outside(table.X).any(axis=1).sum() <= 20  # none of the 80 training rows
