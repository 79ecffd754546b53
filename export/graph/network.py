"""The operations of one network."""

from export.graph.encoding import encode
from export.graph.operations import Activate, Affine, Operation, Scale, Unscale
from network import Model


def network_steps(model: Model) -> list[Operation]:
    """Return the operations from the cells x to the prediction y."""
    steps: list[Operation] = []
    source = "x"
    if model.encoding is not None:
        steps.append(encode("encoded", model.encoding))
        source = "encoded"
    steps.append(Scale("z", source, model.feature_scaling.shift, model.feature_scaling.scale))
    source, activation = "z", model.architecture.activation
    *hidden, (W, b) = model.architecture.layers(model.theta)
    for number, (weights, bias) in enumerate(hidden, 1):
        steps.append(Affine(f"weighted{number}", source, weights, bias))
        source = steps[-1].out
        if activation != "identity":
            steps.append(Activate(f"hidden{number}", source, activation, len(bias)))
            source = steps[-1].out
    scaling = model.target_scaling
    steps.append(Affine("scaled_y", source, W, b))
    steps.append(Unscale("y", "scaled_y", scaling.scale, scaling.shift))
    return steps
