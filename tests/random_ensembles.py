"""Ensembles with random weights, scales of errors and balls of familiar rows."""

from typing import Any

import numpy as np

from network import Encoding, ErrorScale, Familiarity, Scaling, numbers
from network.encoding import MISSING, SCALED
from network.ensemble.ensemble import Ensemble
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Linear, Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Shape, Weights

FEATURES, FOLDS, PARTITIONS = 3, 3, 2
HELD_OUT = np.array([(p, k) for p in range(PARTITIONS) for k in range(FOLDS)])


def random_networks(
    ramps: Ramps, targets: int, hidden: int, seed: int, inputs: int = FEATURES + 1
) -> Networks:
    shape = Shape(len(HELD_OUT), inputs, len(ramps), hidden, targets)
    theta = np.random.default_rng(seed).normal(size=shape.parameters) / np.sqrt(hidden)
    return Networks(Weights.of(theta, shape), ramps, HELD_OUT)


def random_process(
    targets: int, *, is_matern: bool = True, centres: int = 9, inputs: int = FEATURES + 1
) -> GaussianProcess:
    rng = np.random.default_rng(10)
    members = len(HELD_OUT)
    return GaussianProcess(
        is_matern,
        lengths=rng.uniform(0.5, 2.0, inputs),
        centres=rng.normal(size=(centres, inputs)),
        weights=rng.normal(size=(members, centres, targets)),
        slopes=rng.normal(size=(members, inputs, targets)),
        intercepts=rng.normal(size=(members, targets)),
        held_out=HELD_OUT,
    )


def make_ensemble(targets: int = 1, hidden: int = 8, **parts: Any) -> Ensemble:
    """Return an ensemble with random weights; arguments replace its parts.

    It has the features x1, x2 and x3, of which the last may be missing.
    """
    rng = np.random.default_rng(7)
    ramps = Ramps.between_quantiles(rng.normal(size=(50, FEATURES)), np.array([0, 2]), 5)
    members = len(HELD_OUT)
    stack = rng.uniform(0.1, 1.0, (4, targets))
    inputs = [(c, SCALED, 0.5, 1.5) for c in range(FEATURES)]
    random_parts: dict[str, Any] = {
        "columns": numbers([f"x{k + 1}" for k in range(FEATURES)]),
        "targets": tuple(f"y{k + 1}" for k in range(targets)),
        "encoding": Encoding.of(FEATURES, [*inputs, (FEATURES - 1, MISSING, 0.0, 1.0)]),
        "networks": (
            random_networks(Ramps.none(), targets, hidden, 1),
            random_networks(ramps, targets, hidden, 2),
        ),
        "process": random_process(targets),
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


def make_error_scale(targets: int = 1, **parts: Any) -> ErrorScale:
    """Return a random scale of an ensemble's errors; arguments replace its parts."""
    rng = np.random.default_rng(8)
    inputs, members = FEATURES + 1 + targets, len(HELD_OUT)
    random_parts: dict[str, Any] = {
        "networks": (random_networks(Ramps.none(), targets, 6, 4, inputs),),
        "linear": Linear(
            rng.normal(size=(members, targets)),
            rng.normal(size=(members, inputs, targets)),
            HELD_OUT,
        ),
        "stack": np.full((2, targets), 0.5),
        "log_scaling": Scaling(rng.normal(size=targets), rng.uniform(0.2, 0.4, targets)),
        "bounds": np.vstack([np.full(targets, -2.0), np.full(targets, 1.0)]),
    }
    return ErrorScale(**random_parts | parts)


def make_familiarity(inputs: int = FEATURES + 1) -> Familiarity:
    """Return balls around rows of random inputs."""
    rng = np.random.default_rng(9)
    return Familiarity.of(rng.normal(size=(200, inputs)), np.arange(inputs), rng)
