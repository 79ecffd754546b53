"""The example task: y = sin(3·x1) + x2²·cos(3·x3) + x4³ on x ∈ [−1, 1]⁴, without noise."""

import numpy as np

from network import Array
from network.column import numbers
from trainer.data.table import Table

SYNTHETIC = "synthetic"
DEFAULT_SAMPLES = 5000
MAX_SAMPLES = 100_000_000


def synthetic_target(X: Array) -> Array:
    """Return y for rows x: (N, 4) → (N,)."""
    x1, x2, x3, x4 = X.T
    y: Array = np.sin(3 * x1) + x2**2 * np.cos(3 * x3) + x4**3
    return y


def synthetic_table(samples: int, seed: int) -> Table:
    """Draw `samples` rows uniformly; the same seed gives the same rows."""
    X = np.random.default_rng(seed).uniform(-1.0, 1.0, (samples, 4))
    y = synthetic_target(X)
    return Table(numbers(("x1", "x2", "x3", "x4")), ("y",), X, y[:, None], SYNTHETIC)
