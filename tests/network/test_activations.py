"""Activation functions and derivatives against their formulas and central differences."""

import math

import numpy as np
import pytest

from network import ACTIVATIONS, Array
from tests.network.textbook import DERIVATIVES, FUNCTIONS

# 0, the curved part, the saturated part, and numbers so small that 1 + z loses them
Z = np.concatenate([np.linspace(-8.0, 8.0, 401), [-1e3, -40.0, 40.0, 1e3, 1e-20, -1e-20]])
EVERY = pytest.mark.parametrize("name", ACTIVATIONS)


def outputs(name: str, z: Array) -> Array:
    out = np.full_like(z, np.nan)
    ACTIVATIONS[name].function(z, out)
    return out


def slopes(name: str, z: Array) -> Array:
    activation = ACTIVATIONS[name]
    kept = z if activation.needs_input else np.full_like(z, np.nan)
    out = np.full_like(z, np.nan)
    activation.derivative(kept, outputs(name, z), out)
    return out


@EVERY
def test_function_is_the_textbook_formula(name: str) -> None:
    np.testing.assert_allclose(outputs(name, Z), FUNCTIONS[name](Z), rtol=1e-14, atol=1e-14)


@EVERY
def test_function_may_write_over_its_input(name: str) -> None:
    z = Z.copy()
    ACTIVATIONS[name].function(z, z)
    np.testing.assert_array_equal(z, outputs(name, Z))


@EVERY
def test_function_leaves_its_input_alone_when_it_writes_elsewhere(name: str) -> None:
    z = Z.copy()
    outputs(name, z)
    np.testing.assert_array_equal(z, Z)


@EVERY
def test_derivative_leaves_its_arguments_alone(name: str) -> None:
    z = Z.copy()
    A = outputs(name, z)
    before = A.copy()
    ACTIVATIONS[name].derivative(z, A, np.empty_like(z))
    np.testing.assert_array_equal(z, Z)
    np.testing.assert_array_equal(A, before)


@EVERY
def test_derivative_is_the_textbook_formula(name: str) -> None:
    np.testing.assert_allclose(slopes(name, Z), DERIVATIVES[name](Z), rtol=1e-13, atol=1e-13)


@EVERY
def test_derivative_agrees_with_central_differences(name: str) -> None:
    z = np.linspace(-6.0, 6.0, 300)  # an even count: none at relu's kink
    step = 1e-5
    central = (outputs(name, z + step) - outputs(name, z - step)) / (2 * step)
    np.testing.assert_allclose(slopes(name, z), central, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("tanh", -1.0, 1.0),
        ("relu", 0.0, 1e3),
        ("sigmoid", 0.0, 1.0),
        ("gelu", 0.0, 1e3),
        ("silu", 0.0, 1e3),
        ("sine", math.sin(-1e3), math.sin(1e3)),
        ("identity", -1e3, 1e3),
    ],
)
def test_function_far_from_zero_is_its_limit(name: str, below: float, above: float) -> None:
    np.testing.assert_allclose(outputs(name, np.array([-1e3, 1e3])), [below, above], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("tanh", 0.0, 0.0),
        ("relu", 0.0, 1.0),
        ("sigmoid", 0.0, 0.0),
        ("gelu", 0.0, 1.0),
        ("silu", 0.0, 1.0),
        ("sine", math.cos(1e3), math.cos(1e3)),
        ("identity", 1.0, 1.0),
    ],
)
def test_derivative_far_from_zero_is_its_limit(name: str, below: float, above: float) -> None:
    np.testing.assert_allclose(slopes(name, np.array([-1e3, 1e3])), [below, above], rtol=1e-15)


def test_relu_has_no_slope_at_its_kink() -> None:
    np.testing.assert_array_equal(slopes("relu", np.zeros(3)), 0.0)


def test_activations_are_listed_under_their_own_names() -> None:
    assert list(ACTIVATIONS) == ["tanh", "relu", "sigmoid", "gelu", "silu", "sine", "identity"]
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())
