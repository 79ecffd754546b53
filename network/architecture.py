"""The shape of a fully connected network, and the layout of its parameters in one vector θ.

θ contains, layer after layer, the weights W (inputs × outputs, row-major) and the bias b (outputs):
θ = [W₀ b₀ W₁ b₁ …]. A layer computes A·W + b for a batch A with one sample per row. W with b as
its last row is one contiguous matrix.
"""

from dataclasses import dataclass
from itertools import pairwise

from network.activations import ACTIVATIONS
from network.arrays import Array
from network.errors import ArchitectureError

MAX_LAYERS = 100
MAX_PARAMETERS = 10_000_000


@dataclass(frozen=True)
class Architecture:
    """Layer sizes, from the features to the targets, and the activation of the hidden layers.

    The last layer is linear, for regression.

    Raises
    ------
    ArchitectureError
        no layer of weights or more than `MAX_LAYERS`, a size that is not a positive integer, an
        unknown activation, or more than `MAX_PARAMETERS` parameters.
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if len(self.sizes) < 2:
            raise ArchitectureError(
                f"a network needs an input and an output layer, got sizes {list(self.sizes)}"
            )
        if len(self.sizes) > MAX_LAYERS + 1:
            raise ArchitectureError(
                f"{len(self.sizes) - 1} layers of weights are too many; the limit is {MAX_LAYERS}"
            )
        if any(type(size) is not int or size < 1 for size in self.sizes):
            raise ArchitectureError(
                f"every layer size must be a whole number from 1, got {list(self.sizes)}"
            )
        if self.activation not in ACTIVATIONS:
            raise ArchitectureError(
                f"unknown activation {self.activation!r}; expected one of {', '.join(ACTIVATIONS)}"
            )
        if self.parameters > MAX_PARAMETERS:
            raise ArchitectureError(
                f"sizes {list(self.sizes)} make {self.parameters:,} parameters; "
                f"the limit is {MAX_PARAMETERS:,}"
            )

    @property
    def features(self) -> int:
        return self.sizes[0]

    @property
    def targets(self) -> int:
        return self.sizes[-1]

    @property
    def parameters(self) -> int:
        """Return P, the length of θ."""
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(self.sizes))

    def layers(self, theta: Array) -> list[tuple[Array, Array]]:
        """Return views (W, b) of θ, one pair per layer; writing to them writes to θ.

        Parameters
        ----------
        theta : (P,) float64, contiguous; θ or an array with its layout, such as a gradient

        Raises
        ------
        ArchitectureError
            θ does not have the length P.
        """
        return [(matrix[:-1], matrix[-1]) for matrix in self.matrices(theta)]

    def matrices(self, theta: Array) -> list[Array]:
        """Return views [W; b] of θ, (inputs + 1, outputs), one per layer; the bias is the last row.

        Raises
        ------
        ArchitectureError
            θ does not have the length P.
        """
        if theta.shape != (self.parameters,):
            raise ArchitectureError(
                f"θ has shape {theta.shape}; sizes {list(self.sizes)} "
                f"need ({self.parameters},) parameters"
            )
        views, start = [], 0
        for inputs, outputs in pairwise(self.sizes):
            end = start + (inputs + 1) * outputs
            views.append(theta[start:end].reshape(inputs + 1, outputs))
            start = end
        return views
