"""Training of an ensemble: reproducible, resumable, in time, and honest."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from network import Encoding, Ensemble, Huber, Loss, Quantile, Scaling, Squared, numbers
from network.encoding import SCALED
from tests.trainer.ensemble.conftest import MakeData
from trainer.ensemble.data import Data
from trainer.ensemble.plan import Plan, make_plan
from trainer.ensemble.trained import Progress, Trained
from trainer.ensemble.training import LINEAR, PIECEWISE, PLAIN, PROCESS, Training

PLAN = Plan(
    folds=4,
    partitions=1,
    epochs=12,
    patience=5,
    epoch_rows=1000,
    batch=16,
    group=3,
    bins=4,
    decay=0.1,
    hidden=8,
)


def bits(trained: Trained) -> bytes:
    weights = [a for each in trained.networks.values() for a in each.weights.arrays()]
    stack = list(trained.stack.values())
    return b"".join(a.tobytes() for a in (*weights, *stack, trained.out_of_fold))


def train(data: Data, plan: Plan = PLAN, loss: Loss = Squared(), **options: Any) -> Trained:  # noqa: B008
    return Training(data, plan, loss, 0, jobs=options.pop("jobs", 1), **options).run()


def rmse(predictions: Any, Y: Any) -> float:
    return float(np.sqrt(np.mean((predictions - Y) ** 2)))


def test_weights_do_not_depend_on_the_number_of_jobs(make_data: MakeData) -> None:
    data = make_data()
    assert bits(train(data, jobs=1)) == bits(train(data, jobs=3))


def test_another_seed_gives_other_weights(make_data: MakeData) -> None:
    data = make_data()
    other = Training(data, PLAN, Squared(), 1, jobs=1).run()
    assert bits(train(data)) != bits(other)


def test_a_resumed_training_has_the_same_bits(make_data: MakeData) -> None:
    data = make_data()
    saved: dict[str, Any] = {}

    def save(progress: Progress) -> None:
        if progress.epoch == 3:
            saved.update(copied(training.state()))

    training = Training(data, PLAN, Squared(), 0, jobs=1)
    whole = training.run(watch=save)
    resumed = Training(data, PLAN, Squared(), 0, jobs=1)
    resumed.restore(saved)
    epochs: list[int] = []
    trained = resumed.run(watch=lambda progress: epochs.append(progress.epoch))
    assert epochs[0] == 4
    assert bits(trained) == bits(whole)
    assert trained.histories == whole.histories


def copied(value: Any) -> Any:
    """Return the value with copies of its arrays, as from a file."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value.copy() if isinstance(value, np.ndarray) else value


@pytest.mark.slow
def test_the_ensemble_learns_what_no_line_can(make_data: MakeData) -> None:
    data = make_data(600)
    trained = train(data, replace(PLAN, epochs=40, hidden=16))
    assert rmse(trained.out_of_fold, data.Y) < 0.6
    assert trained.stack[LINEAR][0] < 0.1
    assert sum(w[0] for w in trained.stack.values()) == pytest.approx(1.0)


def test_out_of_fold_errors_equal_those_on_new_rows(make_data: MakeData) -> None:
    """No row trains the members that predict it, so that noise cannot be fitted."""
    data = make_data(300)
    noise = replace(data, Y=np.random.default_rng(1).normal(size=data.Y.shape).astype(np.float32))
    trained = train(noise, replace(PLAN, epochs=30, patience=30, hidden=32))
    assert rmse(trained.out_of_fold, noise.Y) > 0.97 * noise.Y.std()


def test_members_hold_out_every_fold_of_every_partition(make_data: MakeData) -> None:
    trained = train(make_data(partitions=2), replace(PLAN, partitions=2, epochs=2))
    for networks in trained.networks.values():
        assert networks.held_out.tolist() == [[p, k] for p in range(2) for k in range(4)]
        assert len(networks.weights.s) == 8


def test_the_weights_are_those_of_the_epoch_with_the_least_held_out_loss(
    make_data: MakeData,
) -> None:
    trained = train(make_data(80), replace(PLAN, epochs=60, rate=0.05))
    for name, history in trained.histories.items():
        losses = [each.held_out for each in history]
        best = trained.best_epochs[name]
        assert losses[best - 1] == min(losses)
        assert len(history) == min(60, best + PLAN.patience)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [Huber(0.5), Quantile(0.9)], ids=str)
def test_other_losses_are_minimised(make_data: MakeData, loss: Loss) -> None:
    data = make_data(600)
    trained = train(data, replace(PLAN, epochs=40, hidden=16), loss)
    if isinstance(loss, Quantile):
        assert np.mean(trained.out_of_fold >= data.Y) == pytest.approx(0.9, abs=0.05)
    else:
        assert rmse(trained.out_of_fold, data.Y) < 0.6


def test_every_target_has_a_stack_of_its_own(make_data: MakeData) -> None:
    data = make_data(300, targets=2)
    linear = replace(data, Y=np.stack((data.Y[:, 0], data.X[:, 0]), axis=1))
    trained = train(linear, replace(PLAN, epochs=25))
    assert trained.out_of_fold.shape == (300, 2)
    assert trained.stack[LINEAR][1] > 0.9 > trained.stack[LINEAR][0]


def test_rows_of_weight_zero_do_not_matter(make_data: MakeData) -> None:
    data = make_data()
    weights = np.ones(len(data), np.float32)
    weights[::4] = 0.0
    spoilt = data.Y.copy()
    spoilt[::4] = 1e3
    results = [
        train(replace(data, Y=Y, weights=weights / weights.mean())) for Y in (data.Y, spoilt)
    ]
    assert bits(results[0]) == bits(results[1])


def test_inputs_may_be_encoded_batch_by_batch(make_data: MakeData) -> None:
    data = make_data()
    encoded = replace(data, X=0.5 * data.X, encode=lambda X: 2.0 * X)
    assert bits(train(encoded)) == bits(train(data))


@pytest.mark.parametrize(("rows", "is_there"), [(150, True), (151, False)])
def test_a_gaussian_process_is_fitted_to_few_rows(
    make_data: MakeData, rows: int, is_there: bool
) -> None:
    trained = train(make_data(rows), replace(PLAN, process_rows=150, epochs=3))
    assert (trained.process is not None) == is_there
    assert (PROCESS in trained.stack) == is_there


def test_without_continuous_inputs_there_is_no_piecewise_linear_model(make_data: MakeData) -> None:
    data = make_data(60)
    trained = train(replace(data, continuous=np.zeros(4, bool)), replace(PLAN, epochs=2))
    assert set(trained.networks) == {PLAIN}


def test_the_time_limit_reduces_the_epochs(make_data: MakeData) -> None:
    now = [100.0]
    seen: list[Progress] = []

    def clock() -> float:
        now[0] += 0.25  # it is read four times in an epoch
        return now[0]

    training = Training(make_data(), PLAN, Squared(), 0, jobs=1, seconds=7.0, clock=clock)
    trained = training.run(watch=seen.append)
    assert seen[-1].epoch == seen[-1].epochs < PLAN.epochs
    assert 6.0 <= seen[-1].seconds <= 7.0
    assert trained.notes == [f"the time limit allowed {seen[-1].epoch} of up to 12 epochs"]


def test_fewer_epochs_are_noted_even_if_the_training_ends_before_their_number(
    make_data: MakeData,
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.25 if now[0] < 1.5 else 0.01  # the first epoch takes longer
        return now[0]

    seen: list[Progress] = []
    impatient = replace(PLAN, epochs=100, patience=1)
    training = Training(make_data(), impatient, Squared(), 0, jobs=1, seconds=20.0, clock=clock)
    trained = training.run(watch=seen.append)
    assert seen[-1].epoch < seen[-1].epochs < 100
    assert trained.notes == [f"the time limit allowed {seen[-1].epochs} of up to 100 epochs"]


def test_poll_may_stop_the_training(make_data: MakeData) -> None:
    class Stop(Exception):
        pass

    def poll() -> None:
        raise Stop

    with pytest.raises(Stop):
        Training(make_data(), PLAN, Squared(), 0, jobs=2).run(poll=poll)


def test_a_diverging_model_is_left_out_and_named(make_data: MakeData) -> None:
    data = make_data()
    X = data.X.copy()
    X[0, 0] = np.float32(3e38)
    trained = train(replace(data, X=X, continuous=np.zeros(4, bool)))
    assert trained.networks == {}
    assert trained.stack[LINEAR][0] == 1.0
    assert trained.notes == ["the plain networks diverged and were left out"]


@pytest.mark.slow
@pytest.mark.parametrize("rows", [12, 30, 500, 2000])
def test_a_plan_fits_tables_of_any_size(make_data: MakeData, rows: int) -> None:
    plan = make_plan(rows, 4, 3)
    data = make_data(rows, folds=plan.folds, partitions=plan.partitions)
    trained = train(data, replace(plan, epochs=1))
    assert np.isfinite(trained.out_of_fold).all()
    assert trained.out_of_fold.shape == data.Y.shape
    assert PIECEWISE in trained.networks


@pytest.mark.parametrize("judged", [120, 50])
def test_the_published_ensemble_predicts_what_the_training_did(
    make_data: MakeData, judged: int
) -> None:
    data = make_data(rows=120, targets=2, partitions=2)
    plan = replace(PLAN, partitions=2, judged_rows=judged)
    trained = Training(data, plan, Squared(), seed=1).run()
    inputs = data.X.shape[1]
    ensemble = Ensemble(
        columns=numbers([f"x{k}" for k in range(inputs)]),
        targets=("y1", "y2"),
        encoding=Encoding.of(inputs, [(k, SCALED, 0.0, 1.0) for k in range(inputs)]),
        networks=tuple(trained.networks.values()),
        process=trained.process,
        linear=trained.linear,
        stack=np.stack(list(trained.stack.values())),
        target_scaling=Scaling(np.zeros(2), np.ones(2)),
        feature_range=np.vstack([data.X.min(axis=0), data.X.max(axis=0)]),
    )
    rows = trained.judged
    assert len(np.unique(rows)) == judged
    predicted = ensemble.predict_out_of_fold(data.X[rows], data.folds[:, rows])
    np.testing.assert_allclose(predicted, trained.out_of_fold, atol=1e-4)
