"""The training loop: which weights it keeps, and when and why it stops."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from network import Architecture, Array, Backpropagation, initial_parameters
from trainer.fit import Epoch, Fit, Limits, Stopped, fit
from trainer.optimizers import SOLVERS
from trainer.schedules import constant, cosine
from trainer.split import Rows

LINE = Architecture((1, 1), "identity")  # θ = (w, b)
X = np.linspace(-1.0, 1.0, 10)[:, None]
TWICE = Rows(X, 2.0 * X)  # its best θ is (2, 0)


class Walker:
    """An optimizer that goes on by the same stride, wherever the minimum is."""

    def __init__(self, stride: float = 0.5) -> None:
        self.stride = stride
        self.steps = 0
        self.rates: list[float] = []

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        theta[0] += self.stride
        self.steps += 1
        self.rates.append(learning_rate)


def walk(optimizer: Any, **options: Any) -> Fit:
    """Fit the line with full batches, starting from (0, 0)."""
    limits = {"epochs": 10, "patience": 100, "seconds": math.inf} | options.pop("limits", {})
    batch_size = options.pop("batch_size", len(X))
    arguments: dict[str, Any] = {
        "theta": np.zeros(2),
        "train": TWICE,
        "validation": TWICE,
        "backpropagation": Backpropagation(LINE, batch_size),
        "optimizer": optimizer,
        "schedule": constant,
        "learning_rate": 1.0,
        "batch_size": batch_size,
        "limits": Limits(**limits),
        "rng": np.random.default_rng(0),
        "clock": lambda: 0.0,
        "watch": lambda epoch: None,
        "stop": lambda: False,
    }
    return fit(**arguments | options)


def test_the_best_weights_are_kept_not_the_last() -> None:
    outcome = walk(Walker())
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])
    assert outcome.best_epoch == 4
    assert outcome.stopped is Stopped.EPOCHS
    assert [epoch.epoch for epoch in outcome.history] == list(range(1, 11))
    losses = [epoch.validation_loss for epoch in outcome.history]
    assert outcome.history[-1].best_loss == min(losses) == losses[3] < losses[-1]


def test_the_weights_are_chosen_by_the_validation_rows() -> None:
    outcome = walk(Walker(), validation=Rows(X, 3.5 * X))
    np.testing.assert_array_equal(outcome.theta, [3.5, 0.0])


def test_the_start_is_kept_where_nothing_is_better_and_not_written_to() -> None:
    theta = np.array([2.0, 0.0])
    outcome = walk(Walker(), theta=theta)
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])
    np.testing.assert_array_equal(theta, [2.0, 0.0])
    assert outcome.best_epoch == 0


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_ends_so_many_epochs_after_the_best(patience: int) -> None:
    outcome = walk(Walker(), limits={"patience": patience})
    assert outcome.stopped is Stopped.PATIENCE
    assert (outcome.best_epoch, len(outcome.history)) == (4, 4 + patience)


def test_an_interrupt_is_told_although_patience_ends_in_the_same_epoch() -> None:
    walker = Walker()
    outcome = walk(walker, stop=lambda: walker.steps == 5, batch_size=5, limits={"patience": 1})
    assert outcome.stopped is Stopped.INTERRUPTED


def test_the_time_limit_ends_before_the_step_that_would_exceed_it() -> None:
    walker = Walker()
    outcome = walk(
        walker, clock=lambda: 100.0 + 10.0 * walker.steps, batch_size=4, limits={"seconds": 35.0}
    )
    assert outcome.stopped is Stopped.TIME
    assert walker.steps == 4  # 40 s, in the midst of the second epoch
    assert [epoch.seconds for epoch in outcome.history] == [30.0, 40.0]
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])


@pytest.mark.parametrize(("asks", "steps", "epochs"), [(1, 0, 0), (2, 1, 1), (4, 3, 1), (5, 4, 2)])
def test_stop_is_asked_before_every_step_and_keeps_the_best_so_far(
    asks: int, steps: int, epochs: int
) -> None:
    walker, asked = Walker(), itertools.count(1)
    outcome = walk(walker, stop=lambda: next(asked) >= asks, batch_size=4)
    assert outcome.stopped is Stopped.INTERRUPTED
    assert walker.steps == steps
    assert (outcome.best_epoch, len(outcome.history)) == (epochs, epochs)
    np.testing.assert_array_equal(outcome.theta, [0.5 * steps, 0.0])


@pytest.mark.parametrize("broken", [np.nan, 1e200])
def test_divergence_ends_with_the_best_weights_so_far(broken: float) -> None:
    class Breaks(Walker):
        def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
            super().step(theta, gradient, learning_rate)
            if self.steps == 3:
                theta[:] = broken

    with np.errstate(over="ignore"):
        outcome = walk(Breaks())
    assert outcome.stopped is Stopped.DIVERGED
    assert (outcome.best_epoch, len(outcome.history)) == (2, 2)
    np.testing.assert_array_equal(outcome.theta, [1.0, 0.0])


def test_every_epoch_takes_every_row_once_in_another_order() -> None:
    seen: list[Array] = []

    class Watched(Backpropagation):
        def loss_and_gradient(self, theta: Array, X: Array, Y: Array) -> tuple[float, Array]:
            np.testing.assert_array_equal(Y, 2.0 * X)
            seen.append(X[:, 0].copy())
            return super().loss_and_gradient(theta, X, Y)

    walk(Walker(), backpropagation=Watched(LINE, 4), batch_size=4, limits={"epochs": 2})
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch), X[:, 0])
    assert (first != second).any()
    assert (first != X[:, 0]).any()


@pytest.mark.parametrize("batch_size", [1, 3, 4, 10])
def test_train_loss_is_the_mean_over_rows_whatever_the_batches(batch_size: int) -> None:
    outcome = walk(Walker(0.0), batch_size=batch_size, limits={"epochs": 1})
    expected = np.mean((2.0 * X) ** 2)
    (epoch,) = outcome.history
    assert epoch.train_loss == pytest.approx(expected, rel=1e-14)
    assert epoch.validation_loss == pytest.approx(expected, rel=1e-14)


def test_the_rate_follows_the_schedule_from_step_to_step() -> None:
    walker = Walker()
    outcome = walk(walker, schedule=cosine, learning_rate=0.2, batch_size=5, limits={"epochs": 4})
    expected = [0.2 * cosine(step / 8) for step in range(8)]
    assert walker.rates == pytest.approx(expected, rel=1e-14)
    assert [epoch.learning_rate for epoch in outcome.history] == pytest.approx(expected[::2])


def test_watch_is_told_every_epoch() -> None:
    told: list[Epoch] = []
    outcome = walk(Walker(), watch=told.append)
    assert told == outcome.history
    assert {epoch.epochs for epoch in told} == {10}


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_finds_the_least_squares_line(solver: str) -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(64, 3))
    targets = features @ rng.normal(size=(3, 2)) + [0.5, -1.0] + rng.normal(0.0, 0.1, (64, 2))
    rows = Rows(features, targets)
    expected, *_ = np.linalg.lstsq(np.column_stack([features, np.ones(64)]), targets)
    architecture = Architecture((3, 2), "identity")
    outcome = walk(
        SOLVERS[solver].make(architecture.parameters),
        theta=np.zeros(architecture.parameters),
        train=rows,
        validation=rows,
        backpropagation=Backpropagation(architecture, 64),
        learning_rate=SOLVERS[solver].learning_rate,
        schedule=cosine,
        batch_size=64,
        limits={"epochs": 3000},
    )
    ((W, b),) = architecture.layers(outcome.theta)
    np.testing.assert_allclose(np.vstack([W, b]), expected, atol=1e-4)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu", "silu", "sine"])
def test_every_activation_learns_a_curve(activation: str) -> None:
    rng = np.random.default_rng(2)
    features = rng.uniform(-1.7, 1.7, (200, 1))
    rows = Rows(features, np.sin(2 * features))
    architecture = Architecture((1, 16, 1), activation)
    outcome = walk(
        SOLVERS["adam"].make(architecture.parameters),
        theta=initial_parameters(architecture, rng),
        train=rows,
        validation=rows,
        backpropagation=Backpropagation(architecture, 32),
        learning_rate=0.02,
        schedule=cosine,
        batch_size=32,
        limits={"epochs": 400},
    )
    assert outcome.history[-1].best_loss < 1e-2


def test_same_generator_gives_the_same_weights_and_another_others() -> None:
    def fitted(seed: int) -> bytes:
        optimizer = SOLVERS["momentum"].make(2)
        rng = np.random.default_rng(seed)
        return walk(optimizer, rng=rng, batch_size=3, learning_rate=0.1).theta.tobytes()

    assert fitted(1) == fitted(1) != fitted(2)
