"""Gauss-Legendre quadrature of the mean over a path from 0 to 1, together with the path's end."""

import numpy as np

from network.arrays import Array


def nodes_and_weights(inner: int) -> tuple[Array, Array]:
    """Return nodes (inner + 1,), and the weights (2, inner + 1) of the mean and of the end.

    The last node is the end. The mean of a polynomial up to degree 2·inner − 1 is exact.
    """
    nodes, weights = np.polynomial.legendre.leggauss(inner)
    both = np.zeros((2, inner + 1))
    both[0, :-1] = weights / 2.0
    both[1, -1] = 1.0
    return np.append((nodes + 1.0) / 2.0, 1.0), both
