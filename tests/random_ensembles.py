"""Ensembles with random weights."""

from typing import Any

import numpy as np

from network import Encoding, Scaling, numbers
from network.encoding import MISSING, SCALED
from network.ensemble.ensemble import Ensemble
from network.ensemble.parts import Linear, Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Shape, Weights

FEATURES, FOLDS, PARTITIONS = 3, 3, 2
HELD_OUT = np.array([(p, k) for p in range(PARTITIONS) for k in range(FOLDS)])


def random_networks(ramps: Ramps, targets: int, hidden: int, seed: int) -> Networks:
    shape = Shape(len(HELD_OUT), FEATURES + 1, len(ramps), hidden, targets)
    theta = np.random.default_rng(seed).normal(size=shape.parameters) / np.sqrt(hidden)
    return Networks(Weights.of(theta, shape), ramps, HELD_OUT)


def make_ensemble(targets: int = 1, hidden: int = 8, **parts: Any) -> Ensemble:
    """Return an ensemble with random weights; arguments replace its parts.

    It has the features x1, x2 and x3, of which the last may be missing.
    """
    rng = np.random.default_rng(7)
    ramps = Ramps.between_quantiles(rng.normal(size=(50, FEATURES)), np.array([0, 2]), 5)
    members = len(HELD_OUT)
    stack = rng.uniform(0.1, 1.0, (3, targets))
    inputs = [(c, SCALED, 0.5, 1.5) for c in range(FEATURES)]
    random_parts: dict[str, Any] = {
        "columns": numbers([f"x{k + 1}" for k in range(FEATURES)]),
        "targets": tuple(f"y{k + 1}" for k in range(targets)),
        "encoding": Encoding.of(FEATURES, [*inputs, (FEATURES - 1, MISSING, 0.0, 1.0)]),
        "networks": (
            random_networks(Ramps.none(), targets, hidden, 1),
            random_networks(ramps, targets, hidden, 2),
        ),
        "linear": Linear(
            rng.normal(size=(members, targets)),
            rng.normal(size=(members, FEATURES + 1, targets)),
            HELD_OUT,
        ),
        "stack": stack / stack.sum(axis=0),
        "target_scaling": Scaling(rng.normal(size=targets), rng.uniform(0.5, 2.0, targets)),
        "feature_range": np.vstack([np.full(FEATURES, -1.0), np.full(FEATURES, 1.0)]),
    }
    return Ensemble(**random_parts | parts)
