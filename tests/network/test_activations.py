"""Activation functions and derivatives against their formulas and finite differences."""

import math
from typing import Any

import numpy as np
import pytest

from network import ACTIVATIONS, Array
from network.activations.activation import BULK
from tests.network.problems import EVERY_ACTIVATION
from tests.network.textbook import FORMULAS

# 0, the curved part, the saturated part, and numbers so small that 1 + z loses them
Z = np.concatenate([np.linspace(-8.0, 8.0, 401), [-1e3, -40.0, 40.0, 1e3, 1e-20, -1e-20]])


def outputs(activation: str, z: Any) -> Any:
    """f(z), in the precision of z."""
    out = np.full_like(z, np.nan)
    ACTIVATIONS[activation].function(z, out)
    return out


def slopes(activation: str, z: Array) -> Array:
    known = ACTIVATIONS[activation]
    kept = z if known.needs_input else np.full_like(z, np.nan)
    out = np.full_like(z, np.nan)
    known.derivative(kept, outputs(activation, z), out)
    return out


@pytest.mark.parametrize("activation", FORMULAS)
def test_function_is_the_textbook_formula(activation: str) -> None:
    expected = FORMULAS[activation](Z)
    np.testing.assert_allclose(outputs(activation, Z), expected, rtol=1e-14, atol=1e-14)


@EVERY_ACTIVATION
def test_function_may_write_over_its_input(activation: str) -> None:
    z = Z.copy()
    ACTIVATIONS[activation].function(z, z)
    np.testing.assert_array_equal(z, outputs(activation, Z))


@EVERY_ACTIVATION
def test_function_leaves_its_input_unchanged_when_it_writes_elsewhere(activation: str) -> None:
    z = Z.copy()
    outputs(activation, z)
    np.testing.assert_array_equal(z, Z)


@EVERY_ACTIVATION
def test_function_at_1_is_not_0(activation: str) -> None:
    assert outputs(activation, np.ones(1)) != 0.0  # the model divides by it


@EVERY_ACTIVATION
def test_derivative_leaves_its_arguments_unchanged(activation: str) -> None:
    z = Z.copy()
    A = outputs(activation, z)
    before = A.copy()
    ACTIVATIONS[activation].derivative(z, A, np.empty_like(z))
    np.testing.assert_array_equal(z, Z)
    np.testing.assert_array_equal(A, before)


@EVERY_ACTIVATION
def test_derivative_agrees_with_differences_in_extended_precision(activation: str) -> None:
    epsilon = np.finfo(np.longdouble).eps
    step = epsilon ** np.longdouble(0.2)  # truncation, step⁴, and rounding, ε/step, are equal
    kinks = ACTIVATIONS[activation].kinks
    far = [abs(Z - kink) > 2 * float(step) for kink in kinks]
    z = Z[np.logical_and.reduce(far)] if kinks else Z
    ahead, behind = (
        [z + k * step for k in (1, 2)],
        [z - k * step for k in (1, 2)],
    )
    near, wide = (
        (outputs(activation, z2) - outputs(activation, z1)) / (z2 - z1)
        for z1, z2 in zip(behind, ahead, strict=True)
    )
    expected = (4 * near - wide) / 3  # of fourth order, by Richardson's extrapolation
    rounding = 20 * epsilon / step * np.maximum(1, abs(outputs(activation, z)))
    assert (abs(slopes(activation, z) - expected) <= 1e-13 + rounding).all()


@pytest.mark.parametrize(
    ("activation", "below", "above"),
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
def test_function_far_from_zero_is_its_limit(activation: str, below: float, above: float) -> None:
    far = np.array([-1e3, 1e3])
    np.testing.assert_allclose(outputs(activation, far), [below, above], rtol=1e-15)


def test_relu_has_no_slope_at_its_kink() -> None:
    np.testing.assert_array_equal(slopes("relu", np.zeros(3)), 0.0)


def test_activations_are_listed_under_their_own_names() -> None:
    assert all(name == activation.name for name, activation in ACTIVATIONS.items())


def test_every_formula_is_that_of_an_activation() -> None:
    assert FORMULAS.keys() <= ACTIVATIONS.keys()


@EVERY_ACTIVATION
def test_function_for_large_arrays_differs_by_a_few_units_in_the_last_place(
    activation: str,
) -> None:
    z = np.random.default_rng(0).normal(size=20_000) * 3.0
    function = ACTIVATIONS[activation].function_for(len(z))
    bulk = np.full_like(z, np.nan)
    function(z, bulk)
    np.testing.assert_allclose(bulk, outputs(activation, z), rtol=2e-15, atol=5e-15)
    np.testing.assert_array_equal(z, np.random.default_rng(0).normal(size=20_000) * 3.0)
    function(z, z)
    np.testing.assert_array_equal(z, bulk)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu", "silu"])
def test_large_arrays_have_a_function_of_their_own_unless_numpy_has_avx512(activation: str) -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    has_avx512 = not {"X86_V4", "AVX512_SKX"}.isdisjoint(found)
    known = ACTIVATIONS[activation]
    assert (known.function_for(BULK) is known.function) == has_avx512
    assert known.function_for(BULK - 1) is known.function
