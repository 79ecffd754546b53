"""The Jacobian against central differences, and the normal equations against the whole J."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network import (
    Architecture,
    ArchitectureError,
    Array,
    Backpropagation,
    Jacobian,
    Rows,
)
from network.derivatives.jacobian import WHOLE_BLOCK_ROWS
from network.derivatives.workspace import BLOCK_ROWS
from tests.network import textbook
from tests.network.problems import (
    EVERY_ACTIVATION,
    EVERY_DEPTH,
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


def normal_equations_of(J: Array, residuals: Array, rows: Rows) -> tuple[float, Array, Array]:
    """Return L, c·JᵀWr and c·JᵀWJ from the whole J; residuals (N, targets)."""
    w = np.repeat(textbook.weights_of(rows), residuals.shape[1])
    r, c = residuals.ravel(), 2.0 / w.sum()  # K·Σw, because each weight is here K times
    return 0.5 * c * float(w @ r**2), c * J.T @ (w * r), c * J.T @ (w[:, None] * J)


# --- J


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_jacobian_agrees_with_central_differences(
    activation: str, depth: int, outputs: int
) -> None:
    architecture, theta, rows = problem(activation, depth, outputs, 12)
    step = 1e-5
    central = [
        textbook.predictions(architecture, theta + e, rows.X)
        - textbook.predictions(architecture, theta - e, rows.X)
        for e in step * np.eye(len(theta))
    ]
    expected = np.array(central).reshape(len(theta), -1).T / (2 * step)
    assert_close(Jacobian(architecture).of(theta, rows.X), expected, 1e-9)


def test_targets_of_a_sample_are_consecutive_rows() -> None:
    architecture = Architecture((2, 3))  # ŷₙₖ = Σᵢ xₙᵢ·Wᵢₖ + bₖ
    X = np.array([[2.0, 3.0], [5.0, 7.0]])
    J = Jacobian(architecture).of(np.zeros(9), X)
    expected = np.zeros((2, 3, 9))
    for n, (x1, x2) in enumerate(X):
        for k in range(3):
            expected[n, k, [k, 3 + k, 6 + k]] = [x1, x2, 1.0]
    np.testing.assert_array_equal(J, expected.reshape(6, 9))


@EVERY_ROW_COUNT
def test_jacobian_of_many_rows_is_that_of_each_row(count: int) -> None:
    architecture, theta, rows = problem("gelu", 1, 2, count)
    J = Jacobian(architecture).of(theta, rows.X).reshape(count, 2, -1)
    assert len(J) == count
    jacobian = Jacobian(architecture)
    for n in {0, count // 2, min(count, BLOCK_ROWS) - 1, count - 1}:
        assert_close(J[n], jacobian.of(theta, rows.X[n : n + 1]))


def test_jacobian_is_not_overwritten_by_the_next_call() -> None:
    architecture, theta, rows = problem()
    jacobian = Jacobian(architecture)
    J = jacobian.of(theta, rows.X)
    kept = J.copy()
    jacobian.of(theta + 1.0, rows.X)
    jacobian.normal_equations(theta + 1.0, rows)
    np.testing.assert_array_equal(J, kept)


# --- normal equations


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
@WITH_AND_WITHOUT_WEIGHTS
def test_normal_equations_are_those_of_the_whole_jacobian(
    activation: str, depth: int, outputs: int, weighted: bool
) -> None:
    architecture, theta, rows = problem(activation, depth, outputs, 40, weighted=weighted)
    jacobian = Jacobian(architecture)
    residuals = textbook.predictions(architecture, theta, rows.X) - rows.Y
    expected = normal_equations_of(jacobian.of(theta, rows.X), residuals, rows)
    loss, gradient, B = jacobian.normal_equations(theta, rows)
    assert loss == pytest.approx(expected[0], rel=1e-12)
    assert_close(gradient, expected[1])
    assert_close(B, expected[2])


@EVERY_ROW_COUNT
@WITH_AND_WITHOUT_WEIGHTS
def test_normal_equations_in_blocks_are_those_of_all_rows_at_once(
    count: int, weighted: bool
) -> None:
    architecture, theta, rows = problem("gelu", 1, 3, count, weighted=weighted)
    jacobian = Jacobian(architecture)
    residuals = textbook.predictions(architecture, theta, rows.X) - rows.Y
    expected = normal_equations_of(jacobian.of(theta, rows.X), residuals, rows)
    loss, gradient, B = jacobian.normal_equations(theta, rows)
    assert loss == pytest.approx(expected[0], rel=1e-12)
    assert_close(gradient, expected[1])
    assert_close(B, expected[2])


@EVERY_ACTIVATION
@pytest.mark.parametrize("count", [30, BLOCK_ROWS + 1])
@WITH_AND_WITHOUT_WEIGHTS
def test_loss_and_gradient_are_those_of_backpropagation(
    activation: str, count: int, weighted: bool
) -> None:
    architecture, theta, rows = problem(activation, 1, 2, count, weighted=weighted)
    expected, same = Backpropagation(architecture).loss_and_gradient(theta, rows)
    loss, gradient, _ = Jacobian(architecture).normal_equations(theta, rows)
    assert loss == pytest.approx(expected, rel=1e-13)
    assert_close(gradient, same)


@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
@pytest.mark.parametrize("count", [1, 5, 40, BLOCK_ROWS + 1])
def test_gauss_newton_matrix_is_symmetric_and_positive_semi_definite(
    depth: int, outputs: int, count: int
) -> None:
    architecture, theta, rows = problem("tanh", depth, outputs, count, weighted=True)
    _, _, B = Jacobian(architecture).normal_equations(theta, rows)
    np.testing.assert_array_equal(B, B.T)
    eigenvalues = np.linalg.eigvalsh(B)
    assert eigenvalues.min() >= -1e-13 * eigenvalues.max()
    assert np.linalg.matrix_rank(B) <= count * outputs


@EVERY_DEPTH
@WITH_AND_WITHOUT_WEIGHTS
def test_gauss_newton_matrix_is_the_hessian_if_all_residuals_are_zero(
    depth: int, weighted: bool
) -> None:
    architecture, theta, rows = problem("sigmoid", depth, 3, 30, weighted=weighted)
    fitted = Rows(rows.X, textbook.predictions(architecture, theta, rows.X), rows.weights)
    _, _, B = Jacobian(architecture).normal_equations(theta, fitted)
    step = 1e-5
    for v in random_directions(len(theta)):
        ahead, behind = (
            textbook.gradient(SQUARED, architecture, theta + h * v, fitted) for h in (step, -step)
        )
        assert_close(B @ v, (ahead - behind) / (2 * step), 1e-8)


@settings(max_examples=25)
@given(times=st.lists(st.integers(0, 4), min_size=1, max_size=40).filter(any))
def test_whole_weights_are_repeated_rows(times: list[int]) -> None:
    architecture, theta, rows = problem("silu", 1, 2, len(times))
    weighted = Rows(rows.X, rows.Y, np.array(times, dtype=np.float64))
    jacobian, v = Jacobian(architecture), random_directions(len(theta), 1)[0]
    once, often = weighted, repeated(rows, times)
    loss, gradient, B = jacobian.normal_equations(theta, once)
    expected, same, matrix = jacobian.normal_equations(theta, often)
    assert loss == pytest.approx(expected, rel=1e-12)
    assert_close(gradient, same)
    assert_close(B, matrix)
    # differences of predictions, divided by 0.01
    assert_close(jacobian.curvature(theta, once, v), jacobian.curvature(theta, often, v), 1e-10)


@pytest.mark.parametrize("factor", [1e-6, 7.0, 1e6])
def test_scaling_all_weights_changes_nothing(factor: float) -> None:
    architecture, theta, rows = problem(weighted=True)
    assert rows.weights is not None
    scaled = Rows(rows.X, rows.Y, factor * rows.weights)
    jacobian, v = Jacobian(architecture), random_directions(len(theta), 1)[0]
    expected, same, matrix = jacobian.normal_equations(theta, rows)
    loss, gradient, B = jacobian.normal_equations(theta, scaled)
    assert loss == pytest.approx(expected, rel=1e-13)
    assert_close(gradient, same)
    assert_close(B, matrix)
    assert_close(jacobian.curvature(theta, scaled, v), jacobian.curvature(theta, rows, v))


# --- curvature


def second_difference(architecture: Architecture, theta: Array, X: Array, v: Array) -> Array:
    """Return ∂²ŷ/∂v², (N, targets), by differences of fourth order."""
    step = 1e-2 / np.linalg.norm(v)
    coefficients = {-2: -1, -1: 16, 0: -30, 1: 16, 2: -1}
    total = np.zeros((len(X), architecture.targets))
    for k, coefficient in coefficients.items():
        total += coefficient * textbook.predictions(architecture, theta + k * step * v, X)
    return total / (12 * step**2)


@EVERY_ACTIVATION
@pytest.mark.parametrize("depth", [1, 2, 3])
@EVERY_OUTPUT_COUNT
@WITH_AND_WITHOUT_WEIGHTS
def test_curvature_is_the_second_derivative_along_the_direction(
    activation: str, depth: int, outputs: int, weighted: bool
) -> None:
    # the steps of the differences must not cross a kink
    architecture, theta, rows = problem(
        activation, depth, outputs, weighted=weighted, from_kinks=0.1
    )
    jacobian = Jacobian(architecture)
    v = 0.1 * random_directions(len(theta), 1)[0]  # short, so that the step's error is small
    second = second_difference(architecture, theta, rows.X, v)
    _, expected, _ = normal_equations_of(jacobian.of(theta, rows.X), second, rows)
    assert_close(jacobian.curvature(theta, rows, v), expected, 1e-3)


@EVERY_OUTPUT_COUNT
def test_linear_network_has_no_curvature(outputs: int) -> None:
    architecture, theta, rows = problem("tanh", 0, outputs)
    curvature = Jacobian(architecture).curvature(theta, rows, np.ones_like(theta))
    np.testing.assert_allclose(curvature, 0.0, rtol=0, atol=1e-12)


@EVERY_ROW_COUNT
@WITH_AND_WITHOUT_WEIGHTS
def test_curvature_in_blocks_is_that_of_all_rows_at_once(count: int, weighted: bool) -> None:
    architecture, theta, rows = problem("gelu", 1, 2, count, weighted=weighted)
    jacobian, v = Jacobian(architecture), random_directions(len(theta), 1)[0]
    ahead, here, behind = (
        textbook.predictions(architecture, theta + h * v, rows.X) for h in (0.1, 0.0, -0.1)
    )
    second = (ahead + behind - 2 * here) / 0.1**2
    _, expected, _ = normal_equations_of(jacobian.of(theta, rows.X), second, rows)
    assert_close(jacobian.curvature(theta, rows, v), expected, 1e-9)


def test_curvature_does_not_depend_on_the_targets() -> None:
    architecture, theta, rows = problem(weighted=True)
    jacobian, v = Jacobian(architecture), random_directions(len(theta), 1)[0]
    others = Rows(rows.X, rows.Y + 5.0, rows.weights)
    expected = jacobian.curvature(theta, rows, v)
    np.testing.assert_array_equal(jacobian.curvature(theta, others, v), expected)


def test_curvature_is_even_and_grows_with_the_square_of_the_direction() -> None:
    architecture, theta, rows = problem()
    jacobian, v = Jacobian(architecture), 0.01 * random_directions(len(theta), 1)[0]
    along = jacobian.curvature(theta, rows, v)
    assert_close(jacobian.curvature(theta, rows, -v), along, 1e-8)
    assert_close(jacobian.curvature(theta, rows, 3 * v), 9 * along, 1e-4)


def test_curvature_along_a_direction_of_length_zero_is_zero() -> None:
    architecture, theta, rows = problem()
    curvature = Jacobian(architecture).curvature(theta, rows, np.zeros_like(theta))
    np.testing.assert_array_equal(curvature, 0.0)


# --- every method: buffers, polling, refusals

Method = Callable[[Jacobian, Array, Rows], bytes]


def of(jacobian: Jacobian, theta: Array, rows: Rows) -> bytes:
    return jacobian.of(theta, rows.X).tobytes()


def normal_equations(jacobian: Jacobian, theta: Array, rows: Rows) -> bytes:
    loss, gradient, B = jacobian.normal_equations(theta, rows)
    return np.concatenate([[loss], gradient, B.ravel()]).tobytes()


def curvature(jacobian: Jacobian, theta: Array, rows: Rows) -> bytes:
    return jacobian.curvature(theta, rows, np.ones_like(theta)).tobytes()


METHODS: list[Method] = [of, normal_equations, curvature]
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)


@EVERY_METHOD
@EVERY_ACTIVATION
@EVERY_OUTPUT_COUNT
def test_results_do_not_depend_on_earlier_calls(
    activation: str, outputs: int, method: Method
) -> None:
    architecture, theta, rows = problem(activation, 2, outputs, 50, weighted=True)
    used = Jacobian(architecture)
    for count in (50, 7, 33, 1, 50, 2):
        for other in METHODS:
            other(used, theta + 1.0, rows[50 - count :])  # leaves its traces
        part = rows[:count]
        assert method(used, theta, part) == method(Jacobian(architecture), theta, part)


def test_normal_equations_are_not_overwritten_by_the_next_call() -> None:
    architecture, theta, rows = problem()
    jacobian = Jacobian(architecture)
    _, gradient, B = jacobian.normal_equations(theta, rows)
    kept = gradient.copy(), B.copy()
    jacobian.normal_equations(theta + 1.0, rows)
    jacobian.curvature(theta, rows, theta)
    np.testing.assert_array_equal(gradient, kept[0])
    np.testing.assert_array_equal(B, kept[1])


@EVERY_METHOD
def test_theta_and_rows_are_not_changed(method: Method) -> None:
    architecture, theta, rows = problem(weighted=True)
    assert rows.weights is not None
    arrays = (theta, rows.X, rows.Y, rows.weights)
    assert not any(array.flags.writeable for array in arrays)  # writing would raise
    before = [array.copy() for array in arrays]
    method(Jacobian(architecture), theta, rows)
    for array, untouched in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, untouched)


@EVERY_METHOD
@EVERY_ROW_COUNT
def test_poll_is_called_before_every_block(count: int, method: Method) -> None:
    architecture, theta, rows = problem(depth=1, count=count)
    poll = CountingPoll()
    method(Jacobian(architecture, poll), theta, rows)
    block = WHOLE_BLOCK_ROWS if method is METHODS[0] else BLOCK_ROWS
    assert poll.calls == -(-count // block)


@EVERY_METHOD
@pytest.mark.parametrize("calls", [1, 2, 4])
def test_exception_of_poll_stops_the_call_and_later_calls_are_right(
    method: Method, calls: int
) -> None:
    architecture, theta, rows = problem(depth=1, count=ROW_COUNTS[-1])
    poll = CountingPoll(calls)
    jacobian = Jacobian(architecture, poll)
    with pytest.raises(PollStopped):
        method(jacobian, theta, rows)
    assert poll.calls == calls
    for later in METHODS:
        assert later(jacobian, theta, rows) == later(Jacobian(architecture), theta, rows)


@EVERY_METHOD
@pytest.mark.parametrize("length", [-1, 1])
def test_theta_of_another_length_is_refused(length: int, method: Method) -> None:
    architecture, theta, rows = problem()
    with pytest.raises(ArchitectureError, match=f"need \\({len(theta)},\\) parameters"):
        method(Jacobian(architecture), np.zeros(len(theta) + length), rows)


@pytest.mark.slow
@pytest.mark.parametrize("method", [normal_equations, curvature])
def test_memory_does_not_grow_with_the_rows(method: Method) -> None:
    architecture = Architecture((3, 6, 1))
    theta = np.full(architecture.parameters, 0.1)
    rows = Rows(np.ones((200_000, 3)), np.ones((200_000, 1)), np.ones(200_000))

    def peak(count: int) -> int:
        jacobian = Jacobian(architecture)
        return peak_bytes(lambda: method(jacobian, theta, rows[:count]))

    few = peak(20_000)
    assert few < 20_000 * architecture.parameters * 8 / 4  # a quarter of J
    assert peak(200_000) <= 1.05 * few
