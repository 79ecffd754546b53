"""The gradient against central differences, the textbook and scikit-learn; blocks; buffers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neural_network import MLPRegressor

from network import Architecture, ArchitectureError, Array, Backpropagation, Loss, Rows
from network.derivatives.workspace import BLOCK_ROWS
from tests.network import textbook
from tests.network.problems import (
    EVERY_ACTIVATION,
    EVERY_DEPTH,
    EVERY_LOSS,
    EVERY_OUTPUT_COUNT,
    EVERY_ROW_COUNT,
    ROW_COUNTS,
    SQUARED,
    WITH_AND_WITHOUT_WEIGHTS,
    CountingPoll,
    PollStopped,
    assert_close,
    peak_bytes,
    problem,
    random_directions,
    repeated,
)

SCIKIT_LEARN = {"tanh": "tanh", "relu": "relu", "sigmoid": "logistic", "identity": "identity"}
IN_PLACE_AND_NOT = pytest.mark.parametrize("activation", ["tanh", "gelu"])


# --- the right numbers


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
@EVERY_LOSS
@WITH_AND_WITHOUT_WEIGHTS
def test_gradient_agrees_with_central_differences(
    activation: str, depth: int, outputs: int, loss: Loss, weighted: bool
) -> None:
    architecture, theta, rows = problem(
        activation, depth, outputs, 12, weighted=weighted, loss=loss
    )
    got, gradient = Backpropagation(architecture, loss).loss_and_gradient(theta, rows)

    def value(theta: Array) -> float:
        return textbook.mean_loss(loss, architecture, theta, rows)

    assert got == pytest.approx(value(theta), rel=1e-11)
    tolerance = 1e-7 * float(np.linalg.norm(gradient))
    for v in random_directions(architecture.parameters):
        step = 1e-6
        central = (value(theta + step * v) - value(theta - step * v)) / (2 * step)
        assert gradient @ v == pytest.approx(central, rel=0, abs=tolerance)


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_LOSS
def test_gradient_is_the_textbook_gradient(activation: str, depth: int, loss: Loss) -> None:
    architecture, theta, rows = problem(activation, depth, 3, 12, weighted=True, loss=loss)
    _, gradient = Backpropagation(architecture, loss).loss_and_gradient(theta, rows)
    assert_close(gradient, textbook.gradient(loss, architecture, theta, rows), 1e-10)


@EVERY_LOSS
@WITH_AND_WITHOUT_WEIGHTS
@EVERY_ROW_COUNT
@IN_PLACE_AND_NOT
def test_blocks_give_the_result_of_one_pass_over_all_rows(
    activation: str, count: int, weighted: bool, loss: Loss
) -> None:
    architecture, theta, rows = problem(activation, 2, 2, count, weighted=weighted, loss=loss)
    got, gradient = Backpropagation(architecture, loss).loss_and_gradient(theta, rows)
    expected = textbook.mean_loss(loss, architecture, theta, rows)
    assert got == pytest.approx(expected, rel=1e-11)
    assert_close(gradient, textbook.gradient(loss, architecture, theta, rows), 1e-10)


@EVERY_LOSS
@WITH_AND_WITHOUT_WEIGHTS
@EVERY_ROW_COUNT
def test_loss_agrees_with_the_loss_of_loss_and_gradient(
    count: int, weighted: bool, loss: Loss
) -> None:
    architecture, theta, rows = problem("gelu", 2, 3, count, weighted=weighted, loss=loss)
    backpropagation = Backpropagation(architecture, loss)
    beside, _ = backpropagation.loss_and_gradient(theta, rows)
    # to the last bit but one: it divides where the gradient multiplies by the reciprocal
    assert backpropagation.loss(theta, rows) == pytest.approx(beside, rel=1e-15)


def test_default_loss_is_squared() -> None:
    architecture, theta, rows = problem()
    got, gradient = Backpropagation(architecture).loss_and_gradient(theta, rows)
    expected, same = Backpropagation(architecture, SQUARED).loss_and_gradient(theta, rows)
    assert got == expected
    np.testing.assert_array_equal(gradient, same)


def scikit_learn_twin(architecture: Architecture, theta: Array, rows: Rows) -> Any:
    """Return an MLPRegressor with the same weights, whose next step is full-batch with rate 1."""
    twin = MLPRegressor(
        hidden_layer_sizes=architecture.sizes[1:-1],
        activation=SCIKIT_LEARN[architecture.activation],
        solver="sgd",
        learning_rate_init=1.0,
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=len(rows),
        shuffle=False,
        random_state=0,
    )
    twin.partial_fit(rows.X, rows.Y if rows.Y.shape[1] > 1 else rows.Y[:, 0])
    layers = architecture.layers(theta)
    twin.coefs_ = [W.copy() for W, _ in layers]
    twin.intercepts_ = [b.copy() for _, b in layers]
    return twin


@pytest.mark.parametrize("activation", SCIKIT_LEARN)
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_loss_and_gradient_agree_with_scikit_learn(
    activation: str, depth: int, outputs: int
) -> None:
    architecture, theta, rows = problem(activation, depth, outputs, 40)
    twin = scikit_learn_twin(architecture, theta, rows)
    twin.partial_fit(rows.X, rows.Y if outputs > 1 else rows.Y[:, 0])
    stepped = [
        part.ravel() for pair in zip(twin.coefs_, twin.intercepts_, strict=True) for part in pair
    ]
    # scikit-learn's step follows ½·Σ over targets of the mean over rows; ours is the mean of all
    expected = (theta - np.concatenate(stepped)) * 2 / outputs
    loss, gradient = Backpropagation(architecture).loss_and_gradient(theta, rows)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)
    assert loss == pytest.approx(2 * twin.loss_, rel=1e-12)


@pytest.mark.parametrize("length", [-1, 1])
def test_theta_of_another_length_is_refused(length: int) -> None:
    architecture, theta, rows = problem()
    wrong = np.zeros(len(theta) + length)
    backpropagation = Backpropagation(architecture)
    for method in (backpropagation.loss, backpropagation.loss_and_gradient):
        with pytest.raises(ArchitectureError, match=f"need \\({len(theta)},\\) parameters"):
            method(wrong, rows)


# --- weights


@pytest.mark.slow
@EVERY_LOSS
@settings(max_examples=25)
@given(times=st.lists(st.integers(0, 4), min_size=1, max_size=40).filter(any))
def test_whole_weights_are_repeated_rows(times: list[int], loss: Loss) -> None:
    architecture, theta, rows = problem("silu", 1, 2, len(times), loss=loss)
    weighted = Rows(rows.X, rows.Y, np.array(times, dtype=np.float64))
    backpropagation = Backpropagation(architecture, loss)
    got, gradient = backpropagation.loss_and_gradient(theta, weighted)
    expected, same = backpropagation.loss_and_gradient(theta, repeated(rows, times))
    assert got == pytest.approx(expected, rel=1e-12)
    assert_close(gradient, same)


@EVERY_LOSS
@pytest.mark.parametrize("factor", [1e-6, 7.0, 1e6])
def test_scaling_all_weights_changes_nothing(factor: float, loss: Loss) -> None:
    architecture, theta, rows = problem(weighted=True, loss=loss)
    assert rows.weights is not None
    scaled = Rows(rows.X, rows.Y, factor * rows.weights)
    backpropagation = Backpropagation(architecture, loss)
    expected, gradient = backpropagation.loss_and_gradient(theta, rows)
    got, same = backpropagation.loss_and_gradient(theta, scaled)
    assert got == pytest.approx(expected, rel=1e-13)
    assert backpropagation.loss(theta, scaled) == pytest.approx(expected, rel=1e-13)
    assert_close(same, gradient)


@EVERY_LOSS
def test_weights_of_one_equal_no_weights(loss: Loss) -> None:
    architecture, theta, rows = problem(loss=loss)
    backpropagation = Backpropagation(architecture, loss)
    expected, gradient = backpropagation.loss_and_gradient(theta, rows)
    ones = Rows(rows.X, rows.Y, np.ones(len(rows)))
    got, same = backpropagation.loss_and_gradient(theta, ones)
    assert got == pytest.approx(expected, rel=1e-14)
    assert_close(same, gradient, 1e-14)


@EVERY_LOSS
def test_block_of_weight_zero_is_ignored(loss: Loss) -> None:
    architecture, theta, rows = problem("tanh", 1, 2, BLOCK_ROWS + 20, loss=loss)
    weights = np.concatenate([np.zeros(BLOCK_ROWS), np.ones(20)])
    backpropagation = Backpropagation(architecture, loss)
    got, gradient = backpropagation.loss_and_gradient(theta, Rows(rows.X, rows.Y, weights))
    expected, same = backpropagation.loss_and_gradient(theta, rows[BLOCK_ROWS:])
    assert got == pytest.approx(expected, rel=1e-13)
    assert_close(gradient, same)


# --- buffers


def bits(backpropagation: Backpropagation, theta: Array, rows: Rows) -> tuple[float, float, bytes]:
    loss, gradient = backpropagation.loss_and_gradient(theta, rows)
    return backpropagation.loss(theta, rows), loss, gradient.tobytes()


@EVERY_ACTIVATION
@EVERY_LOSS
def test_results_do_not_depend_on_earlier_calls(activation: str, loss: Loss) -> None:
    architecture, theta, rows = problem(activation, 2, 2, 50, weighted=True, loss=loss)
    used = Backpropagation(architecture, loss)
    for count in (50, 7, 33, 1, 50, 2, 49):
        used.loss_and_gradient(theta + 1.0, rows[50 - count :])  # leaves its traces
        new = Backpropagation(architecture, loss)
        assert bits(used, theta, rows[:count]) == bits(new, theta, rows[:count])


@IN_PLACE_AND_NOT
def test_gradient_is_not_overwritten_by_the_next_call(activation: str) -> None:
    architecture, theta, rows = problem(activation)
    backpropagation = Backpropagation(architecture)
    _, first = backpropagation.loss_and_gradient(theta, rows)
    kept = first.copy()
    _, second = backpropagation.loss_and_gradient(theta + 1.0, rows)
    backpropagation.loss(theta + 2.0, rows)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)


@EVERY_LOSS
def test_theta_and_rows_are_not_changed(loss: Loss) -> None:
    architecture, theta, rows = problem(weighted=True, loss=loss)
    assert rows.weights is not None
    arrays = (theta, rows.X, rows.Y, rows.weights)
    assert not any(array.flags.writeable for array in arrays)  # writing would raise
    backpropagation = Backpropagation(architecture, loss)
    before = [array.copy() for array in arrays]
    bits(backpropagation, theta, rows)
    for array, untouched in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, untouched)


@pytest.mark.slow
@EVERY_LOSS
def test_memory_of_a_gradient_does_not_grow_with_the_rows(loss: Loss) -> None:
    architecture = Architecture((3, 6, 1))
    theta = np.full(architecture.parameters, 0.1)
    rows = Rows(np.ones((200_000, 3)), np.ones((200_000, 1)), np.ones(200_000))

    def peak(count: int) -> int:
        backpropagation = Backpropagation(architecture, loss)
        return peak_bytes(lambda: backpropagation.loss_and_gradient(theta, rows[:count]))

    few = peak(20_000)
    assert few < 20_000 * 6 * 8  # less than one layer's outputs
    assert peak(200_000) <= 1.05 * few


def test_second_gradient_allocates_no_buffers() -> None:
    architecture = Architecture((3, 64, 64, 1))
    theta = np.full(architecture.parameters, 0.1)
    rows = Rows(np.ones((BLOCK_ROWS, 3)), np.ones((BLOCK_ROWS, 1)))
    backpropagation = Backpropagation(architecture)
    backpropagation.loss_and_gradient(theta, rows)
    one_layer = 64 * BLOCK_ROWS * 8  # NumPy itself takes less for arrays that it broadcasts
    assert peak_bytes(lambda: backpropagation.loss_and_gradient(theta, rows)) < one_layer


# --- polling


@EVERY_ROW_COUNT
def test_poll_is_called_before_every_block(count: int) -> None:
    architecture, theta, rows = problem(count=count)
    poll = CountingPoll()
    backpropagation = Backpropagation(architecture, poll=poll)
    backpropagation.loss(theta, rows)
    blocks = -(-count // BLOCK_ROWS)
    assert poll.calls == blocks
    backpropagation.loss_and_gradient(theta, rows)
    assert poll.calls == 2 * blocks


@pytest.mark.parametrize("calls", [1, 2, 4])
@pytest.mark.parametrize("method", ["loss", "loss_and_gradient"])
def test_exception_of_poll_stops_the_call_and_later_calls_are_right(
    method: str, calls: int
) -> None:
    architecture, theta, rows = problem(count=ROW_COUNTS[-1])
    poll = CountingPoll(calls)
    backpropagation = Backpropagation(architecture, poll=poll)
    with pytest.raises(PollStopped):
        getattr(backpropagation, method)(theta, rows)
    assert poll.calls == calls
    assert bits(backpropagation, theta, rows) == bits(Backpropagation(architecture), theta, rows)
