"""Models with random weights."""

import numpy as np

from network import Architecture, Model, Scaling, initial_parameters


def make_model(sizes: tuple[int, ...], activation: str = "tanh", seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    architecture = Architecture(sizes, activation)
    features, targets = architecture.features, architecture.targets
    return Model(
        architecture=architecture,
        theta=initial_parameters(architecture, rng),
        feature_scaling=Scaling(rng.normal(size=features), rng.uniform(0.5, 2, features)),
        target_scaling=Scaling(rng.normal(size=targets), rng.uniform(0.5, 2, targets)),
        features=tuple(f"x{index + 1}" for index in range(features)),
        targets=tuple(f"y{index + 1}" for index in range(targets)),
        feature_range=np.array([[-1.0], [1.0]]).repeat(features, axis=1),
    )
