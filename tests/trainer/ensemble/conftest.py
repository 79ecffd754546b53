"""Small tables with noise."""

from collections.abc import Callable

import numpy as np
import pytest

from trainer.ensemble.data import Data

MakeData = Callable[..., Data]


@pytest.fixture(scope="session")
def make_data() -> MakeData:
    """Return a function that makes rows of a smooth function of three of the inputs, with noise."""

    def make(
        rows: int = 200, targets: int = 1, *, folds: int = 4, partitions: int = 1, seed: int = 0
    ) -> Data:
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(rows, 4))
        X[:, 3] = X[:, 3] > 0
        signal = np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]
        Y = np.stack([(-1.0) ** k * signal for k in range(targets)], axis=1)
        Y += 0.3 * rng.normal(size=Y.shape)
        return Data(
            X.astype(np.float32),
            Y.astype(np.float32),
            rng.integers(0, folds, (partitions, rows)),
            continuous=np.array([True, True, True, False]),
        )

    return make
