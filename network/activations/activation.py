"""Activation functions f and their derivatives f′, applied element by element.

Z is a layer's weighted input, A = f(Z) its output. Both functions write their result to `out`. For
`function`, `out` may be Z itself. If f′ follows from A alone (tanh′ = 1 − A²), Z is not needed.

References
----------
Hendrycks & Gimpel 2016, "Gaussian Error Linear Units": GELU, in the tanh form of its section 2.
Elfwing, Uchibe & Doya 2018: SiLU.
Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation Functions": sine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from network.activations.table_tanh import NUMPY_IS_FASTER, tanh
from network.arrays import Array

Function = Callable[[Array, Array], object]

BULK = 1000  # numbers, from which functions for large arrays take less time
_GELU_SCALE = np.sqrt(2.0 / np.pi)
_GELU_CUBIC = 0.044715


@dataclass(frozen=True)
class Activation:
    """An elementwise function with its derivative. f(1) must not be 0, as `Model` divides by it.

    Attributes
    ----------
    name : the name that models are stored with
    function : `function(Z, out)` writes f(Z)
    derivative : `derivative(Z, A, out)` writes f′(Z); Z is undefined unless `needs_input`
    needs_input : whether `derivative` reads Z; if not, f may be applied in place
    initialization : the law of the random weights that suits it
    bulk_function : f within a few units in the last place, for float64 and in less time if numbers
        are many; None if there is no faster function on this processor
    kinks : where f′ or f″ jumps, so that differences across it are not derivatives
    """

    name: str
    function: Function
    derivative: Callable[[Array, Array, Array], object]
    needs_input: bool
    initialization: Literal["lecun", "he"]
    bulk_function: Function | None = None
    kinks: tuple[float, ...] = ()

    def function_for(self, size: int) -> Function:
        """Return the fastest function for float64 arrays of so many numbers, for training.

        Predictions use `function`, which gives a number the same bits in arrays of any size.
        """
        return self.bulk_function if self.bulk_function and size >= BULK else self.function


def _tanh(Z: Array, out: Array, tanh_of: Function = np.tanh) -> None:
    tanh_of(Z, out)


def _tanh_derivative(Z: Array, A: Array, out: Array) -> None:
    np.square(A, out)
    np.subtract(1.0, out, out)


def _relu(Z: Array, out: Array) -> None:
    np.maximum(Z, 0.0, out=out)


def _relu_derivative(Z: Array, A: Array, out: Array) -> None:
    np.greater(A, 0.0, out)


def _sigmoid(Z: Array, out: Array, tanh_of: Function = np.tanh) -> None:
    # (1 + tanh(z/2))/2, which unlike 1/(1 + exp(−z)) does not overflow
    np.multiply(Z, 0.5, out)
    tanh_of(out, out)
    out += 1.0
    out *= 0.5


def _sigmoid_derivative(Z: Array, A: Array, out: Array) -> None:
    np.subtract(1.0, A, out)
    out *= A


def _gelu_gate(Z: Array, tanh_of: Function = np.tanh) -> Array:
    """tanh(√(2/π)·(z + 0.044715·z³))."""
    gate = Z * Z
    gate *= _GELU_CUBIC
    gate += 1.0
    gate *= Z
    gate *= _GELU_SCALE
    tanh_of(gate, gate)
    return gate


def _gelu(Z: Array, out: Array, tanh_of: Function = np.tanh) -> None:
    gate = _gelu_gate(Z, tanh_of)
    gate += 1.0
    gate *= 0.5
    np.multiply(Z, gate, out)


def _gelu_derivative(Z: Array, A: Array, out: Array) -> None:
    gate = _gelu_gate(Z)
    # d gate/dz = (1 − gate²)·√(2/π)·(1 + 3·0.044715·z²)
    np.multiply(Z, Z, out)
    out *= 3.0 * _GELU_CUBIC
    out += 1.0
    out *= _GELU_SCALE
    out *= 1.0 - gate * gate
    # f′ = (1 + gate + z·d gate/dz)/2
    out *= Z
    out += gate
    out += 1.0
    out *= 0.5


def _silu(Z: Array, out: Array, tanh_of: Function = np.tanh) -> None:
    gate = np.empty_like(Z)
    _sigmoid(Z, gate, tanh_of)
    np.multiply(Z, gate, out)


def _silu_derivative(Z: Array, A: Array, out: Array) -> None:
    # f′ = σ + f·(1 − σ)
    gate = np.empty_like(Z)
    _sigmoid(Z, gate)
    np.subtract(1.0, gate, out)
    out *= A
    out += gate


def _sine_derivative(Z: Array, A: Array, out: Array) -> None:
    np.cos(Z, out)


def _identity(Z: Array, out: Array) -> None:
    if out is not Z:
        np.copyto(out, Z)


def _identity_derivative(Z: Array, A: Array, out: Array) -> None:
    out.fill(1.0)


def _bulk(function: Callable[[Array, Array, Function], object]) -> Function | None:
    """Return a function with the faster tanh, or None if NumPy's is the faster one."""
    if NUMPY_IS_FASTER:
        return None
    return lambda Z, out: function(Z, out, tanh)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("tanh", np.tanh, _tanh_derivative, False, "lecun", _bulk(_tanh)),
        Activation("relu", _relu, _relu_derivative, False, "he", kinks=(0.0,)),
        Activation("sigmoid", _sigmoid, _sigmoid_derivative, False, "lecun", _bulk(_sigmoid)),
        Activation("gelu", _gelu, _gelu_derivative, True, "he", _bulk(_gelu)),
        Activation("silu", _silu, _silu_derivative, True, "he", _bulk(_silu)),
        Activation("sine", np.sin, _sine_derivative, True, "he"),
        Activation("identity", _identity, _identity_derivative, False, "lecun"),
    )
}
