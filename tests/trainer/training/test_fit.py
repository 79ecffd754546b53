"""The training loop: which weights it keeps, when and why it stops, and how it resumes."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import Architecture, Array, Backpropagation, Rows, initial_parameters
from tests.trainer.solvers.problems import (
    CURVE,
    LINE,
    Problem,
    iterate,
    loss_on,
    noisy_curve,
)
from trainer.solvers import SOLVERS, Iteration, State, Task
from trainer.solvers.first_order.mini_batch import MiniBatch
from trainer.solvers.first_order.schedules import constant
from trainer.solvers.multi_start import MultiStart
from trainer.solvers.objective import Objective
from trainer.training.checkpoint import Checkpoint
from trainer.training.epoch import Epoch
from trainer.training.fit import Fit, Limits, fit
from trainer.training.watchdog import Stopped, Watchdog

ONE_WEIGHT = Architecture((1, 1), "identity")  # θ = (w, b)
X = np.linspace(-1.0, 1.0, 10)[:, None]
TWICE = Rows(X, 2.0 * X)  # its best θ is (2, 0)


class Strides:
    """An update rule that always moves by the same stride."""

    def __init__(self, stride: float = 0.5) -> None:
        self.stride = stride
        self.steps = 0

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        theta[0] += self.stride
        self.steps += 1

    def state(self) -> State:
        return {"steps": self.steps}

    def restore(self, state: State) -> None:
        self.steps = state["steps"]


def fit_with(
    rule: Strides,
    *,
    epochs: int = 10,
    patience: int = 100,
    batch_size: int = len(X),
    start: float = 0.0,
    validation: Rows = TWICE,
    seconds: float = math.inf,
    clock: Callable[[], float] = lambda: 0.0,
    stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Fit:
    """Fit the line with an update rule, starting from (start, 0)."""
    watchdog = Watchdog(seconds, clock, stop)
    objective = Objective(ONE_WEIGHT, TWICE, poll=watchdog.poll)
    task = Task(objective, np.array([start, 0.0]), 0, epochs, 1.0, constant, batch_size)
    return fit(
        MiniBatch(task, rule),
        loss_on(validation, ONE_WEIGHT),
        Limits(epochs, patience),
        watchdog,
        **options,
    )


# --- the best weights, and when to stop


def test_the_best_weights_are_kept_and_not_the_last() -> None:
    outcome = fit_with(Strides())
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])
    assert outcome.best_epoch == 4
    assert outcome.stopped is Stopped.EPOCHS
    assert [epoch.epoch for epoch in outcome.history] == list(range(1, 11))
    losses = [epoch.validation_loss for epoch in outcome.history]
    assert outcome.history[-1].best_loss == min(losses) == losses[3] < losses[-1]


@pytest.mark.parametrize(("tolerance", "kept"), [(0.0, 4), (0.005, 4), (0.05, 6)])
def test_the_first_regularised_theta_may_be_worse_by_the_tolerance(
    tolerance: float, kept: int
) -> None:
    class RegularisedFromTheSixth(MiniBatch):
        done = 0

        def iterate(self) -> Iteration:
            self.done += 1
            return replace(super().iterate(), regularised=self.done >= 6)

    def validate(theta: Array) -> float:  # 1 at the fourth epoch, 1.01 at the sixth, then more
        return float(1.0 + 0.01 * (theta[0] - 2.0) ** 2)

    watched: list[Array] = []
    task = Task(Objective(ONE_WEIGHT, TWICE), np.zeros(2), 0, 10, 1.0, constant, 10)
    watchdog = Watchdog(math.inf, lambda: 0.0, lambda: False)
    limits = Limits(10, 100, tolerance=tolerance)
    solver = RegularisedFromTheSixth(task, Strides())
    outcome = fit(solver, validate, limits, watchdog, keep=watched.append)
    np.testing.assert_array_equal(outcome.theta, [0.5 * kept, 0.0])
    assert outcome.best_epoch == kept
    assert outcome.history[-1].best_loss == validate(outcome.theta)
    np.testing.assert_array_equal(watched[-1], outcome.theta)


def test_the_best_weights_are_those_of_the_validation_rows() -> None:
    outcome = fit_with(Strides(), validation=Rows(X, 3.5 * X))
    np.testing.assert_array_equal(outcome.theta, [3.5, 0.0])


def test_the_start_is_kept_if_nothing_is_better() -> None:
    outcome = fit_with(Strides(), start=2.0)
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])
    assert outcome.best_epoch == 0


@pytest.mark.parametrize("patience", [1, 3])
def test_patience_counts_epochs_after_the_best(patience: int) -> None:
    outcome = fit_with(Strides(), patience=patience)
    assert outcome.stopped is Stopped.PATIENCE
    assert (outcome.best_epoch, len(outcome.history)) == (4, 4 + patience)


def test_patience_does_not_count_tentative_iterations() -> None:
    class Trial(MiniBatch):
        done = 0

        def iterate(self) -> Iteration:
            self.done += 1
            return replace(super().iterate(), tentative=self.done <= 7)

    task = Task(Objective(ONE_WEIGHT, TWICE), np.zeros(2), 0, 10, 1.0, constant, 10)
    watchdog = Watchdog(math.inf, lambda: 0.0, lambda: False)
    validate = loss_on(TWICE, ONE_WEIGHT)
    outcome = fit(Trial(task, Strides()), validate, Limits(10, 2), watchdog)
    assert (outcome.stopped, len(outcome.history)) == (Stopped.PATIENCE, 9)


@pytest.mark.parametrize("name", ["l-bfgs", "self-scaled-broyden", "levenberg-marquardt"])
def test_a_converged_solver_ends_the_training(name: str) -> None:
    outcome = trained(LINE, name, epochs=5000)
    assert outcome.stopped is Stopped.CONVERGED
    assert len(outcome.history) < 5000
    assert LINE.objective().value(outcome.theta) <= LINE.loss


# --- a target error


def test_the_first_sufficient_theta_ends_the_training() -> None:
    saved: list[int] = []
    outcome = fit_with(
        Strides(),
        suffices=lambda theta: bool(theta[0] >= 1.0),
        save_if_due=lambda make_state: saved.append(len(make_state()["history"])),
    )
    assert (outcome.stopped, outcome.best_epoch) == (Stopped.TARGET, 2)
    np.testing.assert_array_equal(outcome.theta, [1.0, 0.0])
    assert len(outcome.history) == 2
    assert saved == [1]


def test_suffices_is_called_once_for_every_best_theta_except_the_start() -> None:
    called: list[float] = []

    def suffices(theta: Array) -> bool:
        called.append(theta[0])
        return False

    assert fit_with(Strides(), suffices=suffices).stopped is Stopped.EPOCHS
    assert called == [0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize("option", [{"epochs": 2}, {"patience": 1}])
def test_a_target_reached_in_the_last_epoch_is_reported(option: dict[str, Any]) -> None:
    outcome = fit_with(Strides(), suffices=lambda theta: bool(theta[0] >= 1.0), **option)
    assert outcome.stopped is Stopped.TARGET


def test_a_tentative_iteration_can_suffice() -> None:
    validate = loss_on(TWICE, ONE_WEIGHT)
    task = Task(Objective(ONE_WEIGHT, TWICE), np.zeros(2), 0, 10, 1.0, constant, 10)
    solver = MultiStart([lambda: MiniBatch(task, Strides())] * 2, 10, 2, validate)
    watchdog = Watchdog(math.inf, lambda: 0.0, lambda: False)
    outcome = fit(solver, validate, Limits(10, 9), watchdog, suffices=lambda theta: True)
    assert (outcome.stopped, outcome.best_epoch) == (Stopped.TARGET, 1)


@pytest.mark.parametrize("saved_after", [3, 6])  # the best epoch is the fourth
def test_a_resumed_training_with_a_sufficient_theta_ends_immediately(
    saved_after: int, tmp_path: Path
) -> None:
    checkpoint, resumed = every_epoch(tmp_path), Strides()
    first = fit_with(Strides(), epochs=saved_after, save_if_due=checkpoint.save_if_due)
    outcome = fit_with(
        resumed, resume=checkpoint.read(), suffices=lambda theta: bool(theta[0] >= 1.5)
    )
    assert outcome.stopped is Stopped.TARGET
    assert outcome.history == first.history
    assert (outcome.theta.tobytes(), outcome.best_epoch) == (
        first.theta.tobytes(),
        first.best_epoch,
    )
    assert resumed.steps == saved_after


def test_a_resumed_training_does_not_end_with_the_start(tmp_path: Path) -> None:
    checkpoint = every_epoch(tmp_path)
    fit_with(Strides(), start=2.0, epochs=3, save_if_due=checkpoint.save_if_due)
    outcome = fit_with(Strides(), start=2.0, resume=checkpoint.read(), suffices=lambda theta: True)
    assert (outcome.stopped, outcome.best_epoch) == (Stopped.EPOCHS, 0)


@pytest.mark.parametrize("broken", [np.nan, 1e200])
def test_divergence_ends_with_the_best_weights_so_far(broken: float) -> None:
    class Breaks(Strides):
        def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
            super().step(theta, gradient, learning_rate)
            if self.steps == 3:
                theta[:] = broken

    with np.errstate(over="ignore"):
        outcome = fit_with(Breaks())
    assert outcome.stopped is Stopped.DIVERGED
    assert (outcome.best_epoch, len(outcome.history)) == (2, 2)
    np.testing.assert_array_equal(outcome.theta, [1.0, 0.0])


def test_the_next_start_follows_one_that_diverged() -> None:
    def start(stride: float) -> MiniBatch:
        task = Task(Objective(ONE_WEIGHT, TWICE), np.zeros(2), 0, 10, 1.0, constant, 10)
        return MiniBatch(task, Strides(stride))

    validate = loss_on(TWICE, ONE_WEIGHT)
    starts = [partial(start, stride) for stride in (0.5, math.inf, 0.25)]
    solver = MultiStart(starts, 10**9, 2, validate)
    watchdog = Watchdog(math.inf, lambda: 0.0, lambda: False)
    with np.errstate(all="ignore"):
        outcome = fit(solver, validate, Limits(10, 100), watchdog)
    assert (outcome.stopped, len(outcome.history)) == (Stopped.EPOCHS, 10)
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])


# --- halts


def test_the_time_limit_ends_before_the_step_that_would_exceed_it() -> None:
    rule = Strides()
    outcome = fit_with(rule, clock=lambda: 100.0 + 10.0 * rule.steps, batch_size=4, seconds=35.0)
    assert outcome.stopped is Stopped.TIME
    assert rule.steps == 4  # 40 s, during the second epoch
    assert [epoch.seconds for epoch in outcome.history] == [30.0]
    np.testing.assert_array_equal(outcome.theta, [2.0, 0.0])  # of an incomplete epoch
    assert outcome.best_epoch == 2


def test_an_interrupted_epoch_with_a_worse_result_is_discarded() -> None:
    rule = Strides()
    outcome = fit_with(rule, stop=lambda: rule.steps == 8, batch_size=4)
    assert (outcome.stopped, len(outcome.history)) == (Stopped.INTERRUPTED, 2)
    np.testing.assert_array_equal(outcome.theta, [1.5, 0.0])  # epochs end at 1.5 and 3.0
    assert outcome.best_epoch == 1


def test_an_interrupted_epoch_that_diverged_is_discarded() -> None:
    rule = Strides(math.inf)
    with np.errstate(all="ignore"):
        outcome = fit_with(rule, stop=lambda: rule.steps == 1, batch_size=4)
    assert (outcome.stopped, outcome.best_epoch) == (Stopped.INTERRUPTED, 0)
    np.testing.assert_array_equal(outcome.theta, [0.0, 0.0])


@pytest.mark.parametrize(
    ("calls", "steps", "epochs"), [(1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 2, 0), (5, 3, 1), (7, 4, 1)]
)
def test_stop_is_checked_before_every_step_and_keeps_the_result(
    calls: int, steps: int, epochs: int
) -> None:
    rule, counter = Strides(), itertools.count(1)
    outcome = fit_with(rule, stop=lambda: next(counter) >= calls, batch_size=4)
    assert outcome.stopped is Stopped.INTERRUPTED
    assert (rule.steps, len(outcome.history)) == (steps, epochs)
    np.testing.assert_array_equal(outcome.theta, [0.5 * steps, 0.0])


def test_an_interrupt_in_the_last_epoch_of_patience_is_reported() -> None:
    rule = Strides()
    outcome = fit_with(rule, stop=lambda: rule.steps == 5, batch_size=5, patience=1)
    assert outcome.stopped is Stopped.INTERRUPTED


@pytest.mark.parametrize("name", [name for name, kind in SOLVERS.items() if kind.iterations])
def test_a_halt_during_an_iteration_over_all_rows_keeps_the_previous_theta(name: str) -> None:
    path: list[Array] = []
    trained(CURVE, name, epochs=8, validated=path.append)
    for limit in range(1, 14):
        ticks = itertools.count()
        outcome = trained(CURVE, name, clock=partial(next, ticks), seconds=limit)
        assert outcome.stopped is Stopped.TIME
        assert outcome.best_epoch == len(outcome.history) < 8
        np.testing.assert_array_equal(outcome.theta, path[outcome.best_epoch])


# --- the reported epochs


def test_watch_is_called_with_every_epoch() -> None:
    watched: list[Epoch] = []
    outcome = fit_with(Strides(), watch=watched.append)
    assert watched == outcome.history
    assert {epoch.epochs for epoch in watched} == {10}


def test_an_epoch_has_the_loss_and_step_of_its_iteration() -> None:
    iterations = iterate(LINE.solver("bfgs"), 5)
    outcome = trained(LINE, "bfgs", epochs=5)
    assert [(epoch.train_loss, epoch.step) for epoch in outcome.history] == [
        (iteration.loss, iteration.step) for iteration in iterations
    ]


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu", "silu", "sine"])
def test_every_activation_learns_a_sine(activation: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(-1.7, 1.7, (100, 1))
    problem = Problem("sine", Architecture((1, 16, 1), activation), Rows(x, np.sin(2.0 * x)))
    outcome = trained(problem, "self-scaled-broyden", epochs=150)
    assert outcome.history[-1].best_loss < 1e-3


# --- resuming


def trained(
    problem: Problem,
    name: str,
    *,
    epochs: int = 40,
    patience: int = 1000,
    seconds: float = math.inf,
    clock: Callable[[], float] = lambda: 0.0,
    stop: Callable[[], bool] = lambda: False,
    validated: Callable[[Array], None] = lambda theta: None,
    validation: Rows | None = None,
    **options: Any,
) -> Fit:
    """Fit a problem with one of `SOLVERS`; without `validation`, validate on the training rows."""
    watchdog = Watchdog(seconds, clock, stop)
    judge = Backpropagation(problem.architecture)

    def validate(theta: Array) -> float:
        validated(theta.copy())
        return judge.loss(theta, validation or problem.rows)

    with np.errstate(all="ignore"):
        return fit(
            problem.solver(name, problem.objective(watchdog.poll)),
            validate,
            Limits(epochs, patience),
            watchdog,
            **options,
        )


def without_seconds(history: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0.0) for epoch in history]


def every_epoch(folder: Path) -> Checkpoint:
    """Make a checkpoint that writes every state."""
    return Checkpoint(folder, {}, 0.0, lambda: 0.0)


NOISY = noisy_curve(rows=20, seed=3)
OTHER = noisy_curve(rows=30, seed=4).rows


@pytest.mark.parametrize(
    ("patience", "killed_after"), [(7, 1), (7, 6), (1000, 1), (1000, 6), (1000, 23)]
)
@pytest.mark.parametrize("name", SOLVERS)
def test_a_training_resumed_after_a_crash_gives_the_same_result(
    name: str, killed_after: int, patience: int, tmp_path: Path
) -> None:
    class Crash(Exception):
        pass

    def crash_after(epoch: Epoch) -> None:
        if epoch.epoch > killed_after:
            raise Crash

    checkpoint = every_epoch(tmp_path)
    options: dict[str, Any] = {"patience": patience, "validation": OTHER}
    whole = trained(NOISY, name, **options)
    with pytest.raises(Crash):
        trained(NOISY, name, watch=crash_after, save_if_due=checkpoint.save_if_due, **options)
    state = checkpoint.read()
    assert state is not None
    assert len(state["history"]) == killed_after
    resumed = trained(NOISY, name, resume=state, **options)
    assert resumed.theta.tobytes() == whole.theta.tobytes()
    assert (resumed.best_epoch, resumed.stopped) == (whole.best_epoch, whole.stopped)
    assert without_seconds(resumed.history) == without_seconds(whole.history)


def test_seconds_before_a_resumption_count_towards_the_limit(tmp_path: Path) -> None:
    checkpoint, rule = every_epoch(tmp_path), Strides(0.1)
    fit_with(rule, epochs=3, clock=lambda: 10.0 * rule.steps, save_if_due=checkpoint.save_if_due)
    resumed = Strides(0.1)
    outcome = fit_with(
        resumed,
        resume=checkpoint.read(),
        clock=lambda: 1000.0 + 10.0 * resumed.steps,
        seconds=55.0,
    )
    assert outcome.stopped is Stopped.TIME
    assert [epoch.seconds for epoch in outcome.history] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]


def test_a_training_can_be_resumed_with_more_epochs(tmp_path: Path) -> None:
    checkpoint = every_epoch(tmp_path)
    first = trained(CURVE, "bfgs", epochs=5, save_if_due=checkpoint.save_if_due)
    state = checkpoint.read()
    assert trained(CURVE, "bfgs", epochs=5, resume=state).history == first.history
    whole = trained(CURVE, "bfgs", epochs=9)
    more = trained(CURVE, "bfgs", epochs=9, resume=checkpoint.read())
    assert more.theta.tobytes() == whole.theta.tobytes()
    assert len(more.history) == 9


def test_a_training_is_saved_after_every_epoch_except_the_last() -> None:
    saved: list[int] = []

    def save(make_state: Callable[[], State]) -> None:
        saved.append(len(make_state()["history"]))

    outcome = fit_with(Strides(), patience=3, save_if_due=save)
    assert len(outcome.history) == 7
    assert saved == [1, 2, 3, 4, 5, 6]


def test_a_fit_does_not_modify_its_start() -> None:
    theta = initial_parameters(CURVE.architecture, np.random.default_rng(0))
    task = replace(CURVE.task(), theta=theta)
    before = theta.copy()
    watchdog = Watchdog(math.inf, lambda: 0.0, lambda: False)
    validate = loss_on(CURVE.rows, CURVE.architecture)
    fit(SOLVERS["bfgs"].make(task), validate, Limits(5, 5), watchdog)
    np.testing.assert_array_equal(theta, before)
