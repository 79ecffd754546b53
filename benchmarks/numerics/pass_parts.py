"""The parts of the gradient pass, each alone on blocks and arrays of the same shapes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.numerics.pass_work import ARCHITECTURE
from network import ACTIVATIONS, Array, Rows
from network.derivatives.workspace import BLOCK_ROWS

Call = Callable[[], Any]


def gradient_parts(theta: Array, rows: Rows) -> dict[str, Call]:
    """Return the matrix products and the elementwise operations of the gradient pass."""
    matrices, sizes = ARCHITECTURE.matrices(theta), ARCHITECTURE.sizes
    part, gradient = np.zeros((2, len(theta)))
    products = ARCHITECTURE.matrices(part)
    rng = np.random.default_rng(1)
    blocks = {
        n: (
            [rng.uniform(-1.0, 1.0, (size + 1, n)) for size in sizes[:-1]],
            [rng.normal(size=(size, n)) for size in sizes[1:]],
            [rng.normal(size=(size, n)) for size in sizes[1:]],
        )
        for n in {len(block) for block in rows.blocks(BLOCK_ROWS)}
    }

    def matrix_products() -> None:
        for block in rows.blocks(BLOCK_ROWS):
            A, Z, delta = blocks[len(block)]
            for index, W in enumerate(matrices):
                np.matmul(W.T, A[index], out=Z[index])
                np.matmul(A[index], delta[index].T, out=products[index])
                if index:
                    np.dot(W[:-1], delta[index], out=Z[index - 1])

    def elementwise() -> None:
        for block in rows.blocks(BLOCK_ROWS):
            A, Z, delta = blocks[len(block)]
            A[0][:-1] = block.X.T
            np.subtract(delta[-1], block.Y.T, out=Z[-1])
            np.vdot(Z[-1], Z[-1])
            Z[-1] *= 2.0
            for outputs, slopes, deltas in zip(A[1:], Z, delta, strict=False):
                np.multiply(outputs[:-1], outputs[:-1], slopes)
                np.subtract(1.0, slopes, slopes)
                np.multiply(deltas, slopes, out=slopes)  # in place, the deltas would decay to zero
            np.add(gradient, part, out=gradient)

    return {"matrix products": matrix_products, "elementwise": elementwise}


def tanh_part(rows: int) -> Call:
    """Return the tanh of the hidden layers for a number of rows, in the blocks of the passes."""
    lengths = [min(BLOCK_ROWS, rows - start) for start in range(0, rows, BLOCK_ROWS)]
    rng = np.random.default_rng(2)
    hidden = ARCHITECTURE.sizes[1:-1]
    layers = {
        n: [(rng.normal(size=(size, n)), np.empty((size, n))) for size in hidden]
        for n in set(lengths)
    }

    def tanh() -> None:
        for n in lengths:
            for Z, A in layers[n]:
                ACTIVATIONS["tanh"].function_for(Z.size)(Z, A)

    return tanh
