"""The choice between one network and an ensemble."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from network import Ensemble, Model
from network.column import numbers
from trainer.data.synthetic import synthetic_table
from trainer.data.table import Table
from trainer.ensemble.networks.group import EpochLosses, Group
from trainer.ensemble.plan import make_plan
from trainer.errors import Interrupted
from trainer.training import choice, ensemble_training
from trainer.training.checkpoint import Checkpoint
from trainer.training.epoch import Epoch
from trainer.training.recipe import Recipe
from trainer.training.training import train

pytestmark = pytest.mark.slow

NO_LIMIT = Recipe(max_seconds=1e6)


def noisy_table(rows: int = 120, seed: int = 0) -> Table:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, (rows, 3))
    y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + rng.normal(0.0, 0.5, rows)
    return Table(numbers("abc"), ("y",), X, y[:, None], "made")


NOISY = noisy_table()


def test_data_without_noise_get_one_network() -> None:
    now = [0.0]

    def watch(epoch: Epoch) -> None:
        now[0] += 0.02

    recipe = replace(NO_LIMIT, max_seconds=30.0)
    trained = train(synthetic_table(1000, 0), recipe, watch=watch, clock=lambda: now[0])
    assert now[0] > 5.0
    assert isinstance(trained.model, Model)
    assert trained.card["metrics"].keys() == {"test", "calibration"}
    assert trained.metrics["r2"] > 0.9999


def test_noisy_data_get_an_ensemble_that_says_why() -> None:
    trained = train(NOISY, NO_LIMIT)
    assert isinstance(trained.model, Ensemble)
    assert trained.card["recipe"]["solver"] == "ensemble"
    assert trained.card["training"]["decisions"][0].startswith("an ensemble: on 24 rows that ")
    assert trained.card["data"]["rows"] == {"train": 120, "validation": 0, "test": 0}
    least, most = trained.metrics["rmse_95"]
    assert least < trained.metrics["rmse"] < most
    assert 0.4 < trained.metrics["rmse"] < trained.metrics["baselines"]["mean"]["rmse"]


@pytest.mark.parametrize("option", [{"layers": (8,)}, {"epochs": 30}, {"activation": "relu"}])
def test_options_of_one_network_ask_for_one(option: dict[str, Any]) -> None:
    assert isinstance(train(NOISY, replace(NO_LIMIT, **option)).model, Model)


def test_an_ensemble_can_be_asked_for_and_has_the_same_weights_on_any_number_of_threads() -> None:
    recipe = replace(NO_LIMIT, solver="ensemble")
    one, two = (train(NOISY, recipe, jobs=jobs).model.predict(NOISY.X) for jobs in (1, 2))
    assert one.tobytes() == two.tobytes()
    other = train(NOISY, replace(recipe, seed=1)).model.predict(NOISY.X)
    assert other.tobytes() != one.tobytes()


def test_a_test_fraction_keeps_rows_apart_from_the_ensemble() -> None:
    trained = train(NOISY, replace(NO_LIMIT, solver="ensemble", test_fraction=0.25))
    assert trained.card["data"]["rows"] == {"train": 90, "validation": 0, "test": 30}
    assert trained.card["metrics"].keys() >= {"out_of_fold", "test"}
    assert trained.card["metrics"]["test"]["rmse"] == pytest.approx(0.5, rel=0.5)


@pytest.mark.parametrize("test_fraction", [None, 0.25])
@pytest.mark.parametrize("solver", ["auto", "ensemble"])
def test_a_large_table_is_judged_by_some_of_its_rows(
    monkeypatch: pytest.MonkeyPatch, solver: str, test_fraction: float | None
) -> None:
    monkeypatch.setattr(
        ensemble_training, "make_plan", lambda *given: replace(make_plan(*given), judged_rows=60)
    )
    trained = train(NOISY, replace(NO_LIMIT, solver=solver, test_fraction=test_fraction))
    trains = 120 if test_fraction is None else 90
    assert trained.card["data"]["rows"]["train"] == trains
    assert trained.metrics["rows"] == 60
    assert trained.metrics["baselines"]["linear"]["rmse"] == pytest.approx(
        trained.metrics["baselines"]["mean"]["rmse"], rel=0.6
    )
    assert 0.4 < trained.metrics["rmse"] < trained.metrics["baselines"]["mean"]["rmse"]


@pytest.mark.parametrize("after", [10, 60])  # within the fit of one network, and of the ensemble
def test_an_interrupted_training_is_resumed_with_the_same_bits(after: int, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {}, interval_seconds=0.0)
    watched: list[Epoch] = []
    with suppress(Interrupted):
        train(
            NOISY,
            NO_LIMIT,
            checkpoint=checkpoint,
            watch=watched.append,
            stop=lambda: len(watched) >= after,
        )
    state = checkpoint.read()
    assert state is not None
    resumed = train(NOISY, NO_LIMIT, resume=state)
    whole = train(NOISY, NO_LIMIT)
    assert resumed.model.predict(NOISY.X).tobytes() == whole.model.predict(NOISY.X).tobytes()
    assert resumed.card["training"]["decisions"] == whole.card["training"]["decisions"]


def test_a_short_time_limit_ends_with_fewer_epochs_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, lock, train_group = [0.0], Lock(), Group.epoch

    def timed_epoch(group: Group, progress: Callable[[float], float]) -> EpochLosses:
        with lock:
            now[0] += 0.01
        return train_group(group, progress)

    monkeypatch.setattr(Group, "epoch", timed_epoch)
    table = noisy_table(rows=3000)
    recipe = Recipe(solver="ensemble", max_seconds=2.0)
    trained = train(table, recipe, clock=lambda: now[0])
    assert 1.5 < now[0] < 2.5
    assert any("time limit" in each for each in trained.card["training"]["decisions"])
    assert trained.metrics["rmse"] < 0.7


def test_one_network_is_trained_on_limited_rows_of_a_large_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choice, "MOST_ROWS", 700)
    trained = train(synthetic_table(1000, 0), NO_LIMIT)
    assert trained.card["data"]["rows"] == {"train": 700, "validation": 100, "test": 100}
    assert (
        "one network was trained on 700 rows drawn at random"
        in (trained.card["training"]["decisions"])
    )


def test_an_ensemble_is_trained_if_the_time_is_over_before_one_network_found_anything() -> None:
    now = iter(range(1_000_000))
    trained = train(NOISY, replace(NO_LIMIT, max_seconds=3.0), clock=lambda: float(next(now)))
    assert isinstance(trained.model, Ensemble)
    assert np.isfinite(trained.metrics["rmse"])
