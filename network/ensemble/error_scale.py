"""The scale of an ensemble's errors, row by row, by networks that learnt their logarithms.

References
----------
Papadopoulos, Gammerman & Vovk 2008, "Normalized nonconformity measures for regression conformal
prediction": scores relative to an expected error, which a second model learns as a logarithm.
"""

from dataclasses import dataclass, field

import numpy as np

from network.arrays import Array, freeze
from network.ensemble.parts import Linear, Networks
from network.ensemble.stack import Stack
from network.errors import InputError
from network.scaling import Scaling

MAX_LOG = 100.0  # of a scale, so that neither it nor an interval overflows


def scale_inputs(Z: Array, Y: Array) -> Array:
    """Return the inputs of the networks that learn the scale: (N, I + K).

    Parameters
    ----------
    Z : (N, I), the inputs of the ensemble
    Y : (N, K), its predictions, scaled
    """
    return np.concatenate([Z, Y], axis=1)


@dataclass(frozen=True, eq=False)
class ErrorScale:
    """σ = exp(g), where g is the output of stacked members, within bounds.

    Attributes
    ----------
    networks, linear, stack : as of an ensemble, for the inputs of `scale_inputs`
    log_scaling : of the outputs
    bounds : (2, K) float64, the least and the greatest g
    stacked : all parts as one function of the inputs

    Raises
    ------
    InputError
        parts that do not fit each other, or numbers that are out of range.
    """

    networks: tuple[Networks, ...]
    linear: Linear | None
    stack: Array
    log_scaling: Scaling
    bounds: Array
    stacked: Stack = field(init=False, repr=False)

    def __post_init__(self) -> None:
        freeze(self, "stack", "bounds")
        self._check()
        parts = (self.networks, self.linear, self.stack, self.log_scaling)
        object.__setattr__(self, "stacked", Stack(self.inputs, *parts))

    @property
    def inputs(self) -> int:
        """The number of inputs, I + K."""
        return self._sizes[0][0]

    @property
    def targets(self) -> int:
        """The number of targets, K."""
        return len(self.log_scaling.scale)

    def of(self, Z: Array, Y: Array) -> Array:
        """Return σ (N, K) in the targets' scaled units, for parameters as of `scale_inputs`.

        No row's bits depend on another row.
        """
        g = self.stacked.predict(scale_inputs(Z, Y))
        np.maximum(g, self.bounds[0], out=g)
        np.minimum(g, self.bounds[1], out=g)
        return np.exp(g, g)

    @property
    def _sizes(self) -> list[tuple[int, ...]]:
        """Return the numbers of inputs and targets of all parts."""
        sizes = [each.weights.U.shape[1:] for each in self.networks]
        return [*sizes, self.linear.slopes.shape[1:]] if self.linear else sizes

    def _check(self) -> None:
        sizes, K = self._sizes, self.targets
        if not sizes or len(set(sizes)) > 1 or sizes[0][0] <= K or sizes[0][1] != K:
            raise InputError(f"the parts of an error scale have sizes {sizes}; expected (I + K, K)")
        for name, got, want in (
            ("stack", self.stack.shape, (len(sizes), K)),
            ("bounds", self.bounds.shape, (2, K)),
        ):
            if got != want:
                raise InputError(f"{name} of an error scale has shape {got}; expected {want}")
        if not (np.isfinite(self.stack).all() and (self.stack >= 0).all()):
            raise InputError("the weights of the stack must be finite and not negative")
        if not (abs(self.bounds) <= MAX_LOG).all() or (self.bounds[0] > self.bounds[1]).any():
            raise InputError(f"bounds must ascend, from −{MAX_LOG:g} to {MAX_LOG:g}")
