"""Gauss-Legendre quadrature of the mean over a path from 0 to 1."""

import numpy as np

from network.arrays import Array


def gauss_legendre(count: int) -> tuple[Array, Array]:
    """Return nodes and weights, (count,) each; exact for polynomials up to degree 2·count − 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0
