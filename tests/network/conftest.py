"""Random models, and the activations written as the textbook has them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from network import Architecture, Array, Model, Scaling


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    result: Array = np.where(z >= 0, 1.0, e) / (1.0 + e)
    return result


@pytest.fixture(scope="session")
def textbook() -> dict[str, Callable[[Array], Array]]:
    """Each activation's formula, independent of the one under test."""
    return {
        "tanh": lambda z: 2 * _sigmoid(2 * z) - 1,
        "relu": lambda z: np.where(z > 0, z, 0.0),
        "sigmoid": _sigmoid,
        "gelu": lambda z: z * _sigmoid(2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)),
        "silu": lambda z: z * _sigmoid(z),
        "sine": np.sin,
        "identity": lambda z: z,
    }


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """A model with random parameters and scaling; keyword arguments replace its parts."""

    def make(
        sizes: tuple[int, ...] = (4, 32, 16, 1), activation: str = "tanh", **parts: Any
    ) -> Model:
        rng = np.random.default_rng(7)
        architecture = Architecture(sizes, activation)

        def scaling(columns: int) -> Scaling:
            return Scaling(rng.normal(size=columns), rng.uniform(0.5, 2.0, columns))

        columns = architecture.features
        random_parts: dict[str, Any] = {
            "architecture": architecture,
            "theta": rng.normal(size=architecture.parameters) / np.sqrt(max(sizes)),
            "feature_scaling": scaling(columns),
            "target_scaling": scaling(architecture.targets),
            "features": tuple(f"x{k + 1}" for k in range(columns)),
            "targets": tuple(f"y{k + 1}" for k in range(architecture.targets)),
            "feature_range": np.vstack([np.full(columns, -1.0), np.full(columns, 1.0)]),
        }
        return Model(**random_parts | parts)

    return make
