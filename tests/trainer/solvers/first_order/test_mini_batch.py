"""An epoch of mini-batches: every row once, the scheduled learning rate, the mean loss."""

from collections.abc import Callable

import numpy as np
import pytest

from network import Architecture, Array, Rows
from trainer.solvers import State, Task
from trainer.solvers.first_order.gradient_descent import GradientDescent
from trainer.solvers.first_order.mini_batch import MiniBatch
from trainer.solvers.first_order.schedules import cosine
from trainer.solvers.objective import Objective
from trainer.training.watchdog import Halt, Stopped

LINE = Architecture((1, 1), "identity")  # θ = (w, b)
X = np.linspace(-1.0, 1.0, 10)[:, None]
TWICE = Rows(X, 2.0 * X)


class Recorder(Objective):
    """Records the rows of each gradient."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # forwarded unchanged
        self.batches: list[Rows] = []

    def value_and_gradient(self, theta: Array, rows: Rows | None = None) -> tuple[float, Array]:
        assert rows is not None
        self.batches.append(rows)
        return super().value_and_gradient(theta, rows)


class Rates:
    """A rule that records the learning rates and leaves θ unchanged."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        self.rates.append(learning_rate)

    def state(self) -> State:
        return {}

    def restore(self, state: State) -> None:
        pass


def task(objective: Objective, batch_size: int, iterations: int = 4, seed: int = 0) -> Task:
    return Task(objective, np.zeros(2), seed, iterations, 0.2, cosine, batch_size)


def test_every_epoch_uses_every_row_once_in_a_new_order() -> None:
    objective = Recorder(LINE, TWICE)
    solver = MiniBatch(task(objective, 4), GradientDescent(2))
    solver.iterate()
    solver.iterate()
    seen = [batch.X[:, 0] for batch in objective.batches]
    assert [len(batch) for batch in seen] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch), X[:, 0])
    assert (first != second).any()
    assert (first != X[:, 0]).any()


@pytest.mark.parametrize("weights", [None, np.arange(10.0)], ids=["equal", "weighted"])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 10])
def test_the_loss_is_the_mean_over_rows_for_any_batch_size(
    batch_size: int, weights: Array | None
) -> None:
    objective = Objective(LINE, Rows(X, 2.0 * X, weights))
    iteration = MiniBatch(task(objective, batch_size), Rates()).iterate()
    assert iteration.loss == pytest.approx(objective.value(np.zeros(2)), rel=1e-14)


def test_a_batch_of_zero_weight_is_skipped() -> None:
    weights = np.zeros(10)
    weights[3] = 2.0
    objective, rule = Recorder(LINE, Rows(X, 2.0 * X, weights)), Rates()
    iteration = MiniBatch(task(objective, 2), rule).iterate()
    assert len(rule.rates) == len(objective.batches) == 1
    assert iteration.loss == pytest.approx(float(4.0 * X[3, 0] ** 2))


def test_the_learning_rate_follows_the_schedule_at_every_step() -> None:
    rule = Rates()
    solver = MiniBatch(task(Objective(LINE, TWICE), 5), rule)
    reported = [solver.iterate().step for _ in range(4)]
    expected = [0.2 * cosine(step / 8) for step in range(8)]
    assert rule.rates == pytest.approx(expected, rel=1e-14)
    assert reported == pytest.approx(expected[::2])


def test_the_seed_decides_the_weights() -> None:
    def fitted(seed: int) -> bytes:
        objective = Objective(LINE, TWICE)
        solver = MiniBatch(task(objective, 3, seed=seed), GradientDescent(2))
        solver.iterate()
        return solver.theta.tobytes()

    assert fitted(1) == fitted(1) != fitted(2)


@pytest.mark.parametrize("polls", [1, 2, 3])
def test_an_interrupted_epoch_keeps_the_completed_steps(polls: int) -> None:
    def steps_until(poll: Callable[[], None]) -> MiniBatch:
        return MiniBatch(task(Objective(LINE, TWICE, poll=poll), 4), GradientDescent(2))

    polled: list[Array] = []

    def record() -> None:
        polled.append(whole.theta.copy())

    def halt() -> None:
        if len(waited) == polls - 1:
            raise Halt(Stopped.TIME)
        waited.append(None)

    waited: list[None] = []
    whole, interrupted = steps_until(record), steps_until(halt)
    whole.iterate()
    with pytest.raises(Halt):
        interrupted.iterate()
    np.testing.assert_array_equal(interrupted.theta, polled[polls - 1])


def test_it_has_converged_at_the_end_of_its_schedule() -> None:
    task = Task(Objective(LINE, TWICE), np.zeros(2), 0, 3, 0.1, cosine, 5)
    solver = MiniBatch(task, GradientDescent(2))
    assert [solver.iterate().converged for _ in range(3)] == [False, False, True]
