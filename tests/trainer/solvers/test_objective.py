"""The objective, loss plus penalty, and its derivatives."""

from collections.abc import Callable

import numpy as np
import pytest

from network import Architecture, Array, Backpropagation, Huber, Jacobian, Loss, Quantile, Rows
from trainer.solvers.objective import Objective
from trainer.training.watchdog import Halt, Stopped

ARCHITECTURE = Architecture((2, 3, 2))
RNG = np.random.default_rng(11)
ROWS = Rows(RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2)), RNG.uniform(0.0, 2.0, 40))
THETA = RNG.normal(0.0, 0.6, ARCHITECTURE.parameters)
PENALTIES = pytest.mark.parametrize("penalty", [0.0, 0.25])


def weights_only(theta: Array) -> Array:
    return np.concatenate([W.ravel() for W, _ in ARCHITECTURE.layers(theta)])


@pytest.mark.parametrize("loss", [None, Huber(0.3), Quantile(0.8)], ids=str)
@PENALTIES
def test_the_value_is_the_loss_plus_the_penalty_on_weights(
    loss: Loss | None, penalty: float
) -> None:
    objective = Objective(ARCHITECTURE, ROWS, loss, penalty)
    expected = Backpropagation(ARCHITECTURE, loss).loss(THETA, ROWS)
    expected += penalty * float(np.sum(weights_only(THETA) ** 2))
    assert objective.value(THETA) == pytest.approx(expected, rel=1e-14)
    assert objective.value_and_gradient(THETA)[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("loss", [None, Huber(0.3)], ids=str)
@PENALTIES
def test_the_gradient_agrees_with_central_differences(loss: Loss | None, penalty: float) -> None:
    objective = Objective(ARCHITECTURE, ROWS, loss, penalty)
    _, gradient = objective.value_and_gradient(THETA)
    for axis in range(len(THETA)):
        e = np.zeros_like(THETA)
        e[axis] = 1e-5
        slope = (objective.value(THETA + e) - objective.value(THETA - e)) / 2e-5
        assert gradient[axis] == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_biases_are_not_penalised() -> None:
    objective, theta = Objective(ARCHITECTURE, ROWS), np.zeros(ARCHITECTURE.parameters)
    for _, b in ARCHITECTURE.layers(theta):
        b[:] = 5.0
    assert objective.weight_decay(theta) == 0.0
    assert objective.weight_decay(theta + 1.0) == 2 * 3 + 3 * 2


def test_the_penalty_may_change_between_calls() -> None:
    objective = Objective(ARCHITECTURE, ROWS)
    without = objective.value(THETA)
    objective.penalty = 2.0
    decay = objective.weight_decay(THETA)
    assert objective.value(THETA) == pytest.approx(without + 2.0 * decay, rel=1e-14)


def test_a_gradient_can_be_computed_over_other_rows() -> None:
    objective = Objective(ARCHITECTURE, ROWS, penalty=0.1)
    few = ROWS[np.array([5, 3, 30])]
    value, gradient = objective.value_and_gradient(THETA, few)
    own = Objective(ARCHITECTURE, few, penalty=0.1)
    assert value == own.value_and_gradient(THETA)[0]
    np.testing.assert_array_equal(gradient, own.value_and_gradient(THETA)[1])


def test_a_part_is_the_objective_over_some_of_the_rows() -> None:
    objective = Objective(ARCHITECTURE, ROWS, Huber(0.3), 0.1)
    part = objective.part(slice(10, 25))
    expected = Objective(ARCHITECTURE, ROWS[10:25], Huber(0.3), 0.1)
    assert len(part.rows) == 15
    assert part.value(THETA) == expected.value(THETA)
    part.penalty = 7.0
    assert objective.penalty == 0.1


@PENALTIES
def test_the_normal_equations_exclude_the_penalty(penalty: float) -> None:
    objective = Objective(ARCHITECTURE, ROWS, penalty=penalty)
    loss, gradient, B = objective.loss_and_normal_equations(THETA)
    expected = Objective(ARCHITECTURE, ROWS).value_and_gradient(THETA)
    assert loss == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-11, atol=1e-14)
    assert ROWS.weights is not None
    J = Jacobian(ARCHITECTURE).of(THETA, ROWS.X)
    weighted = J * np.repeat(ROWS.weights, 2)[:, None]
    np.testing.assert_allclose(B, 2.0 / objective.squares * J.T @ weighted, rtol=1e-11, atol=1e-14)


def test_the_curvature_is_that_of_the_jacobian() -> None:
    direction = np.random.default_rng(12).normal(size=len(THETA))
    np.testing.assert_array_equal(
        Objective(ARCHITECTURE, ROWS).curvature(THETA, direction),
        Jacobian(ARCHITECTURE).curvature(THETA, ROWS, direction),
    )


def test_squares_count_targets_and_weights() -> None:
    assert ROWS.weights is not None
    assert Objective(ARCHITECTURE, ROWS).squares == pytest.approx(2.0 * ROWS.weights.sum())
    unweighted = Rows(ROWS.X, ROWS.Y)
    assert Objective(ARCHITECTURE, unweighted).squares == 80.0


@pytest.mark.parametrize(
    "call",
    ["value", "value_and_gradient", "loss_and_normal_equations", "weighted part", "curvature"],
)
def test_every_pass_over_the_rows_polls_and_can_be_interrupted(call: str) -> None:
    polls: list[None] = []

    def halt_at_the_second() -> None:
        polls.append(None)
        if len(polls) == 2:
            raise Halt(Stopped.TIME)

    rows = Rows(np.zeros((2500, 2)), np.zeros((2500, 2)))  # three blocks
    objective = Objective(ARCHITECTURE, rows, poll=halt_at_the_second)
    calls: dict[str, Callable[[], object]] = {
        "value": lambda: objective.value(THETA),
        "value_and_gradient": lambda: objective.value_and_gradient(THETA),
        "loss_and_normal_equations": lambda: objective.loss_and_normal_equations(THETA),
        "weighted part": lambda: objective.part(slice(1500)).value(THETA),
        "curvature": lambda: objective.curvature(THETA, THETA),
    }
    with pytest.raises(Halt):
        calls[call]()
    assert len(polls) == 2
