"""The trained parts of an ensemble: networks and linear models, with the fold each has not seen."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Weights


@dataclass(frozen=True, eq=False)
class Networks:
    """Networks of one shape.

    Attributes
    ----------
    weights : of all M members, float64
    ramps : the bins of the piecewise-linear encoding, the same for all members; may be empty
    held_out : (M, 2) integers, the partition and the fold that each member was not trained on
    """

    weights: Weights
    ramps: Ramps
    held_out: NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        weights = Weights(*(np.array(each, np.float64) for each in self.weights.arrays()))
        freeze(weights, *(each.name for each in fields(weights)))
        object.__setattr__(self, "weights", weights)


@dataclass(frozen=True, eq=False)
class Linear:
    """Linear models.

    Attributes
    ----------
    intercepts : (M, K) float64
    slopes : (M, I, K) float64
    held_out : (M, 2) integers, the partition and the fold that each member was not trained on
    """

    intercepts: Array
    slopes: Array
    held_out: NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        freeze(self, "intercepts", "slopes")
