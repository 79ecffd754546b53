"""The forward pass and the gradient of many networks at once."""

import numpy as np
import pytest
from numpy.typing import DTypeLike

from network import Array
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Floats, Shape, Weights
from trainer.ensemble.networks.workspace import Workspace, dropout_masks

ROWS = 7
RAMPS = Ramps(np.array([0, 0, 2]), np.array([-1.0, 0.2, -0.5]), np.array([1.2, 0.7, 2.0]))
SHAPES = [Shape(3, 4, 0, 5, 1), Shape(2, 4, 3, 6, 2), Shape(1, 3, 3, 1, 1)]
EVERY_SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=str)


def workspace_of(shape: Shape, Z: Floats, dtype: DTypeLike = np.float64) -> Workspace:
    ramps = RAMPS if shape.ramps else Ramps.none()
    workspace = Workspace(shape, ROWS, dtype)
    workspace.Z[:] = Z
    workspace.R[:] = [ramps.encode(each) for each in Z]
    return workspace


def problem(shape: Shape) -> tuple[Array, Array]:
    """Return θ and inputs."""
    rng = np.random.default_rng(3)
    theta = rng.normal(size=shape.parameters)
    return theta, rng.normal(size=(shape.members, ROWS, shape.inputs))


def activated(Z: Array) -> Array:
    Y: Array = Z * (1.0 + Z / np.sqrt(4.0 + Z**2)) / 2.0
    return Y


def by_hand(weights: Weights, member: int, Z: Array, ramps: Ramps) -> Array:
    """Compute the formula of `Weights` for one member and its inputs (n, I)."""
    s, b1, b2, b3, W, V, W2, W3, U = (array[member] for array in weights.arrays())
    r = np.clip((Z[:, ramps.column] - ramps.start) / ramps.width, 0.0, 1.0) - 0.5
    hidden = activated((Z * s) @ W + r @ V + b1)
    Y: Array = activated(hidden @ W2 + b2) @ W3 + b3 + Z @ U
    return Y


@EVERY_SHAPE
def test_forward_computes_the_formula_for_every_member(shape: Shape) -> None:
    theta, Z = problem(shape)
    weights = Weights.of(theta, shape)
    Y = workspace_of(shape, Z).forward(weights)
    ramps = RAMPS if shape.ramps else Ramps.none()
    for member in range(shape.members):
        np.testing.assert_allclose(
            Y[member], by_hand(weights, member, Z[member], ramps), rtol=1e-12
        )


@pytest.mark.parametrize("dropout", [0.0, 0.25])
@EVERY_SHAPE
def test_gradient_equals_central_differences(shape: Shape, dropout: float) -> None:
    theta, Z = problem(shape)
    rng = np.random.default_rng(4)
    masks = dropout_masks(rng, dropout, (shape.members, ROWS, shape.hidden), np.float64)
    workspace = workspace_of(shape, Z)
    delta = rng.normal(size=(shape.members, ROWS, shape.targets))

    def scalar(theta: Array) -> float:
        return float(np.sum(delta * workspace.forward(Weights.of(theta, shape), masks)))

    gradient = np.empty_like(theta)
    scalar(theta)
    workspace.gradient(Weights.of(theta, shape), delta, Weights.of(gradient, shape))
    step = 1e-6
    differences = np.empty_like(theta)
    for i in range(len(theta)):
        offset = step * (np.arange(len(theta)) == i)
        differences[i] = (scalar(theta + offset) - scalar(theta - offset)) / (2.0 * step)
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=1e-7 * np.abs(gradient).max())


@EVERY_SHAPE
def test_float32_agrees_with_float64(shape: Shape) -> None:
    theta, Z = problem(shape)
    exact = workspace_of(shape, Z).forward(Weights.of(theta, shape))
    single = theta.astype(np.float32)
    Y = workspace_of(shape, Z, np.float32).forward(Weights.of(single, shape))
    assert Y.dtype == np.float32
    np.testing.assert_allclose(Y, exact, rtol=1e-4, atol=1e-4)


def test_large_weighted_inputs_give_finite_outputs() -> None:
    shape = SHAPES[0]
    theta, Z = problem(shape)
    with np.errstate(over="ignore"):
        Y = workspace_of(shape, 1e4 * Z, np.float32).forward(Weights.of(theta, shape))
    assert np.isfinite(Y).all()


def test_dropout_keeps_the_mean_and_drops_the_given_share() -> None:
    masks = dropout_masks(np.random.default_rng(1), 0.15, (4, 500, 50), np.float32)
    assert masks is not None
    for mask in masks:
        assert np.mean(mask == 0.0) == pytest.approx(0.15, abs=0.01)
        assert mask.mean() == pytest.approx(1.0, abs=0.01)
    assert (masks[0] != masks[1]).any()


def test_no_dropout_has_no_masks() -> None:
    assert dropout_masks(np.random.default_rng(1), 0.0, (4, 5, 5), np.float32) is None
