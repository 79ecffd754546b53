"""Random models."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from network import Architecture, Model, Scaling, numbers


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """Return a function that makes a model with random parameters; arguments replace its parts."""

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
            "columns": numbers([f"x{k + 1}" for k in range(columns)]),
            "targets": tuple(f"y{k + 1}" for k in range(architecture.targets)),
            "feature_range": np.vstack([np.full(columns, -1.0), np.full(columns, 1.0)]),
        }
        return Model(**random_parts | parts)

    return make
