"""Small networks with rows of data, and the marks that parametrize a test over all of them."""

import gc
import tracemalloc
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from network import ACTIVATIONS, LOSSES, Architecture, Array, Loss, Quantile, Rows, Squared
from network.derivatives.workspace import BLOCK_ROWS
from tests.network import textbook

HIDDEN = {0: (), 1: (6,), 2: (7, 5), 3: (6, 5, 4)}
SQUARED = Squared()
LOSS_PARAMETERS = {"huber": [0.5], "quantile": [0.8]}
# one row, and counts on both sides of a block's end
ROW_COUNTS = [1, 2, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, 3 * BLOCK_ROWS + 17]

EVERY_ACTIVATION = pytest.mark.parametrize("activation", ACTIVATIONS)
EVERY_DEPTH = pytest.mark.parametrize("depth", HIDDEN)
EVERY_OUTPUT_COUNT = pytest.mark.parametrize("outputs", [1, 3])
EVERY_LOSS = pytest.mark.parametrize(
    "loss", [make(*LOSS_PARAMETERS.get(name, [])) for name, make in LOSSES.items()], ids=str
)
EVERY_ROW_COUNT = pytest.mark.parametrize("count", ROW_COUNTS)
WITH_AND_WITHOUT_WEIGHTS = pytest.mark.parametrize("weighted", [False, True])


def problem(
    activation: str = "tanh",
    depth: int = 2,
    outputs: int = 2,
    count: int = 30,
    *,
    weighted: bool = False,
    loss: Loss = SQUARED,
    from_kinks: float = 1e-3,
) -> tuple[Architecture, Array, Rows]:
    """Return an architecture with three features, θ with biases that are not zero, and rows.

    The arrays are read-only. Residuals are on both sides of the loss's kink, and none is near it.

    Parameters
    ----------
    from_kinks : the minimum distance of a hidden unit's input from the activation's kinks
    """
    hidden = HIDDEN[depth]
    architecture = Architecture((3, *hidden, outputs), activation)
    rng = np.random.default_rng([count, outputs, *hidden])
    theta = rng.normal(0.0, 0.6, architecture.parameters)
    X = rng.normal(size=(count, 3))
    while (near := _near_a_kink(architecture, theta, X, from_kinks)).any():
        X[near] = rng.normal(size=(near.sum(), 3))
    Y = textbook.predictions(architecture, theta, X) - _residuals(rng, loss, (count, outputs))
    weights = rng.uniform(0.1, 3.0, count) if weighted else None
    for array in (theta, X, Y, weights):
        if array is not None:
            array.setflags(write=False)
    return architecture, theta, Rows(X, Y, weights)


def _near_a_kink(
    architecture: Architecture, theta: Array, X: Array, distance: float
) -> NDArray[np.bool_]:
    """Return which rows give any hidden unit an input near a kink of the activation."""
    near = np.zeros(len(X), dtype=bool)
    for Z in textbook.weighted_inputs(architecture, theta, X)[:-1]:
        for kink in ACTIVATIONS[architecture.activation].kinks:
            near |= (np.abs(Z - kink) < distance).any(axis=1)
    return near


def _residuals(rng: np.random.Generator, loss: Loss, shape: tuple[int, int]) -> Array:
    kink = Quantile.KINK if isinstance(loss, Quantile) else 0.5  # Huber's δ above
    inside = kink * rng.uniform(0.1, 0.7, shape)
    outside = kink + rng.uniform(0.3, 2.0, shape)
    sizes = np.where(rng.random(shape) < 0.5, inside, outside)
    residuals: Array = sizes * rng.choice([-1.0, 1.0], shape)
    return residuals


def random_directions(length: int, count: int = 3) -> Array:
    """Return unit vectors, one per row."""
    directions = np.random.default_rng(length).normal(size=(count, length))
    unit: Array = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return unit


def assert_close(got: Array, expected: Array, tolerance: float = 1e-12) -> None:
    """Compare arrays, with a tolerance relative to the largest number."""
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def repeated(rows: Rows, times: Sequence[int]) -> Rows:
    """Return each row as many times as `times` says, without weights."""
    return Rows(np.repeat(rows.X, times, axis=0), np.repeat(rows.Y, times, axis=0))


class PollStopped(Exception):
    """Raised by a poll that stops the computation."""


class CountingPoll:
    """A poll that counts its calls, and raises once, at the given call."""

    def __init__(self, raise_at: int = 0) -> None:
        self.calls = 0
        self._raise_at = raise_at

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self._raise_at:
            raise PollStopped


def peak_bytes(run: Callable[[], object]) -> int:
    """Return the peak of the memory that a call allocates."""
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
