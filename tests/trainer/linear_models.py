"""Models with predictions that can be computed by hand."""

from collections.abc import Sequence

import numpy as np

from network import Architecture, Array, Model, Scaling, numbers


def linear_model(
    weights: Array,
    bias: float | Sequence[float] = 0.0,
    *,
    features: tuple[str, ...] = ("a", "b"),
    targets: tuple[str, ...] = ("u",),
    scale: float | Sequence[float] = 1.0,
) -> Model:
    """Return a model of y = x·W + b.

    Parameters
    ----------
    weights : W, (features, targets)
    scale : of the targets; predictions do not depend on it
    """
    scales, biases = (np.broadcast_to(each, len(targets)) for each in (scale, bias))
    return Model(
        architecture=Architecture((len(features), len(targets))),
        theta=np.concatenate([(weights / scales).ravel(), biases / scales]),
        feature_scaling=Scaling(np.zeros(len(features)), np.ones(len(features))),
        target_scaling=Scaling(np.zeros(len(targets)), scales.copy()),
        columns=numbers(features),
        targets=targets,
        feature_range=np.repeat([[-1.0], [1.0]], len(features), axis=1),
    )
