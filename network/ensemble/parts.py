"""The trained parts of an ensemble: networks and linear models, with the fold each has not seen."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.ensemble.activation import activate
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Floats, Shape, Weights
from network.errors import InputError


@dataclass(frozen=True, eq=False)
class Networks:
    """Networks of one shape.

    Attributes
    ----------
    weights : of all M members, float64
    ramps : the bins of the piecewise-linear encoding, the same for all members; may be empty
    held_out : (M, 2) integers, the partition and the fold that each member was not trained on

    Raises
    ------
    InputError
        arrays that do not fit each other, or numbers that are not finite.
    """

    weights: Weights
    ramps: Ramps
    held_out: NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        weights = Weights(*(np.array(each, np.float64) for each in self.weights.arrays()))
        freeze(weights, *(each.name for each in fields(weights)))
        object.__setattr__(self, "weights", weights)
        check_held_out(self.held_out, len(weights.s))
        for array, expected in zip(weights.arrays(), self.shape.sizes(), strict=True):
            check_array(array, expected)
        if (self.ramps.column >= self.shape.inputs).any():
            raise InputError(f"ramps must be of the {self.shape.inputs} inputs")

    @property
    def shape(self) -> Shape:
        """Return the sizes of all members."""
        (members, inputs), (hidden, targets) = self.weights.s.shape, self.weights.W3.shape[1:]
        return Shape(members, inputs, len(self.ramps), hidden, targets)

    def predict_member(self, member: int, Z: Array) -> Array:
        """Return one member's predictions (n, K) for inputs Z (n, I)."""
        s, b1, b2, b3, W, V, W2, W3, U = (array[member] for array in self.weights.arrays())
        hidden = Z @ (s[:, None] * W) + self.ramps.encode(Z) @ V + b1
        scratch = np.empty_like(hidden)
        activate(hidden, scratch)
        hidden = hidden @ W2 + b2
        activate(hidden, scratch)
        Y: Array = hidden @ W3 + b3 + Z @ U
        return Y


@dataclass(frozen=True, eq=False)
class Linear:
    """Linear models.

    Attributes
    ----------
    intercepts : (M, K) float64
    slopes : (M, I, K) float64
    held_out : (M, 2) integers, the partition and the fold that each member was not trained on

    Raises
    ------
    InputError
        arrays that do not fit each other, or numbers that are not finite.
    """

    intercepts: Array
    slopes: Array
    held_out: NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        freeze(self, "intercepts", "slopes")
        if self.slopes.ndim != 3:
            raise InputError(f"slopes must have 3 dimensions, got shape {self.slopes.shape}")
        members, _, targets = self.slopes.shape
        check_held_out(self.held_out, members)
        check_array(self.slopes, self.slopes.shape)
        check_array(self.intercepts, (members, targets))

    def predict_member(self, member: int, Z: Array) -> Array:
        """Return one member's predictions (n, K) for inputs Z (n, I)."""
        Y: Array = Z @ self.slopes[member] + self.intercepts[member]
        return Y


def check_held_out(held_out: NDArray[np.integer[Any]], members: int) -> None:
    if not members or held_out.shape != (members, 2):
        raise InputError(f"{members} members need as many pairs of a partition and a fold")


def check_array(array: Floats, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise InputError(f"weights have shape {array.shape}; expected {expected}")
    if not np.isfinite(array).all():
        raise InputError("weights have numbers that are not finite")
