"""The gradient against central differences and scikit-learn, and the buffers it is made in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

from network import ACTIVATIONS, Architecture, Array, Backpropagation

HIDDEN = {0: (), 1: (6,), 2: (7, 5), 3: (6, 5, 4)}
SCIKIT_LEARN = {"tanh": "tanh", "relu": "relu", "sigmoid": "logistic", "identity": "identity"}

EVERY_ACTIVATION = pytest.mark.parametrize("activation", ACTIVATIONS)
EVERY_DEPTH = pytest.mark.parametrize("depth", HIDDEN)
EVERY_OUTPUT_COUNT = pytest.mark.parametrize("outputs", [1, 2, 3])


def problem(
    activation: str, hidden: tuple[int, ...], outputs: int, rows: int
) -> tuple[Architecture, Array, Array, Array]:
    """An architecture with three features, θ with biases that are not zero, X and Y."""
    architecture = Architecture((3, *hidden, outputs), activation)
    rng = np.random.default_rng([rows, outputs, *hidden])
    theta = rng.normal(0.0, 0.6, architecture.parameters)
    return architecture, theta, rng.normal(size=(rows, 3)), rng.normal(size=(rows, outputs))


def central_differences(f: Callable[[Array], float], theta: Array, step: float = 1e-5) -> Array:
    def along(axis: int) -> float:
        e = np.zeros_like(theta)
        e[axis] = step
        return (f(theta + e) - f(theta - e)) / (2 * step)

    return np.array([along(axis) for axis in range(len(theta))])


def textbook_loss(
    f: Callable[[Array], Array], architecture: Architecture, theta: Array, X: Array, Y: Array
) -> float:
    """The mean square error of the forward pass, written down once more."""
    A = X
    *hidden, (W_last, b_last) = architecture.layers(theta)
    for W, b in hidden:
        A = f(A @ W + b)
    return float(np.mean((A @ W_last + b_last - Y) ** 2))


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_gradient_agrees_with_central_differences(
    activation: str,
    depth: int,
    outputs: int,
    textbook: dict[str, Callable[[Array], Array]],
) -> None:
    # no unit lies within the step of relu's kink: a property of these seeds
    architecture, theta, X, Y = problem(activation, HIDDEN[depth], outputs, rows=5)

    def loss(theta: Array) -> float:
        return textbook_loss(textbook[activation], architecture, theta, X, Y)

    got_loss, gradient = Backpropagation(architecture, 5).loss_and_gradient(theta, X, Y)
    assert got_loss == pytest.approx(loss(theta), rel=1e-13)
    expected = central_differences(loss, theta)
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-8 * np.abs(expected).max())


def scikit_learn_twin(architecture: Architecture, theta: Array, X: Array, Y: Array) -> Any:
    """An MLPRegressor with the same weights, about to make one plain full-batch step of rate 1."""
    twin = MLPRegressor(
        hidden_layer_sizes=architecture.sizes[1:-1],
        activation=SCIKIT_LEARN[architecture.activation],
        solver="sgd",
        learning_rate_init=1.0,
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=len(X),
        shuffle=False,
        random_state=0,
    )
    twin.partial_fit(X, Y if Y.shape[1] > 1 else Y[:, 0])
    layers = architecture.layers(theta)
    twin.coefs_ = [W.copy() for W, _ in layers]
    twin.intercepts_ = [b.copy() for _, b in layers]
    return twin


@pytest.mark.parametrize("activation", SCIKIT_LEARN)
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_forward_and_gradient_agree_with_scikit_learn(
    activation: str, depth: int, outputs: int
) -> None:
    architecture, theta, X, Y = problem(activation, HIDDEN[depth], outputs, rows=40)
    backpropagation = Backpropagation(architecture, 40)
    twin = scikit_learn_twin(architecture, theta, X, Y)

    expected = twin.predict(X).reshape(40, outputs)
    Y_hat = backpropagation.forward(theta, X)
    np.testing.assert_allclose(Y_hat, expected, rtol=1e-12, atol=1e-12)

    twin.partial_fit(X, Y if outputs > 1 else Y[:, 0])
    stepped = [
        part.ravel() for pair in zip(twin.coefs_, twin.intercepts_, strict=True) for part in pair
    ]
    # scikit-learn's step follows ½·Σ over targets of the mean over rows; ours is the mean of all
    expected = (theta - np.concatenate(stepped)) * 2 / outputs
    loss, gradient = backpropagation.loss_and_gradient(theta, X, Y)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)
    assert loss == pytest.approx(2 * twin.loss_, rel=1e-12)


@EVERY_ACTIVATION
def test_a_batch_smaller_than_the_buffers_gives_the_same_as_buffers_of_its_size(
    activation: str,
) -> None:
    architecture, theta, X, Y = problem(activation, (7, 5), 2, rows=33)
    roomy = Backpropagation(architecture, 100)
    roomy.loss_and_gradient(theta, np.full((100, 3), 9.0), np.ones((100, 2)))  # leaves its traces
    for rows in (1, 2, 20, 33):
        exact = Backpropagation(architecture, rows)
        loss, gradient = roomy.loss_and_gradient(theta, X[:rows], Y[:rows])
        expected_loss, expected = exact.loss_and_gradient(theta, X[:rows], Y[:rows])
        assert loss == expected_loss
        np.testing.assert_array_equal(gradient, expected)


@EVERY_ACTIVATION
def test_repeated_calls_give_the_same_bits_and_leave_their_arguments_alone(activation: str) -> None:
    architecture, theta, X, Y = problem(activation, (7, 5), 2, rows=20)
    before = [array.copy() for array in (theta, X, Y)]
    backpropagation = Backpropagation(architecture, 20)
    loss, gradient = backpropagation.loss_and_gradient(theta, X, Y)
    first = gradient.copy()
    backpropagation.loss(theta + 1.0, X + 1.0, Y)
    again, gradient = backpropagation.loss_and_gradient(theta, X, Y)
    assert again == loss
    np.testing.assert_array_equal(gradient, first)
    for array, untouched in zip((theta, X, Y), before, strict=True):
        np.testing.assert_array_equal(array, untouched)


@EVERY_ACTIVATION
@pytest.mark.parametrize("rows", [1, 7, 50, 64])
def test_loss_in_blocks_is_the_loss_of_the_whole(
    activation: str, rows: int, textbook: dict[str, Callable[[Array], Array]]
) -> None:
    architecture, theta, X, Y = problem(activation, (7, 5), 2, rows=50)
    whole = textbook_loss(textbook[activation], architecture, theta, X, Y)
    in_blocks = Backpropagation(architecture, rows).loss(theta, X, Y)
    assert in_blocks == pytest.approx(whole, rel=1e-13)


def test_loss_agrees_with_the_loss_beside_the_gradient() -> None:
    architecture, theta, X, Y = problem("gelu", (7, 5), 3, rows=50)
    backpropagation = Backpropagation(architecture, 50)
    loss, _ = backpropagation.loss_and_gradient(theta, X, Y)
    assert backpropagation.loss(theta, X, Y) == loss
