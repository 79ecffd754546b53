"""The weights of networks of one shape, as views of one flat vector θ."""

from dataclasses import dataclass, fields
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]  # float32 in training, float64 in prediction and in tests


@dataclass(frozen=True)
class Shape:
    """The sizes of all members of a model.

    Attributes
    ----------
    members : M, the number of networks
    inputs : I, the inputs of each
    ramps : R, the piecewise-linear inputs of each; 0 for a plain network
    hidden : H, the units in each of the two hidden layers
    targets : K, the outputs of each
    """

    members: int
    inputs: int
    ramps: int
    hidden: int
    targets: int

    @property
    def parameters(self) -> int:
        """Return the length of θ, for all members."""
        return sum(map(prod, self.sizes()))

    @property
    def factors(self) -> int:
        """Return the length of the factors s, which θ begins with."""
        return self.members * self.inputs

    @property
    def first_matrix(self) -> int:
        """Return where the biases, which follow the factors, end and the matrices begin."""
        return self.factors + self.members * (2 * self.hidden + self.targets)

    def sizes(self) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of the arrays of `Weights`, in order."""
        M, H, K = self.members, self.hidden, self.targets
        factors, biases = (M, self.inputs), [(M, 1, H), (M, 1, H), (M, 1, K)]
        first = (M, self.inputs, H), (M, self.ramps, H)
        return factors, *biases, *first, (M, H, H), (M, H, K), (M, self.inputs, K)


@dataclass(frozen=True, eq=False)
class Weights:
    """ŷ = W₃ᵀ·f(W₂ᵀ·f(Wᵀ·(s∘z) + Vᵀ·r + b₁) + b₂) + b₃ + Uᵀ·z for inputs z and ramps r.

    f is defined in `network.ensemble.activation`.

    Attributes
    ----------
    s : (M, I), a factor for each input
    b1, b2, b3 : (M, 1, H), (M, 1, H) and (M, 1, K), the biases
    W, V : (M, I, H) and (M, R, H), from the inputs and from the ramps to the first hidden layer
    W2 : (M, H, H)
    W3 : (M, H, K)
    U : (M, I, K), from the inputs to the outputs, past the hidden layers
    """

    s: Floats
    b1: Floats
    b2: Floats
    b3: Floats
    W: Floats
    V: Floats
    W2: Floats
    W3: Floats
    U: Floats

    @classmethod
    def of(cls, theta: Floats, shape: Shape) -> Self:
        """Return views of θ (`shape.parameters`,)."""
        views, start = [], 0
        for size in shape.sizes():
            views.append(theta[start : start + prod(size)].reshape(size))
            start += prod(size)
        return cls(*views)

    @classmethod
    def joined(cls, groups: "list[Weights]") -> Self:
        """Return the weights of the members of all groups."""
        return cls(
            *(np.concatenate(each) for each in zip(*(g.arrays() for g in groups), strict=True))
        )

    def arrays(self) -> tuple[Floats, ...]:
        """Return all arrays, in order."""
        return tuple(getattr(self, each.name) for each in fields(self))
