"""The folded form of one network: products, sums and activations alone.

The scaling is in the first and the last weights. Optimizers such as OMLT read this form: one input
`x` with all features, and for each layer `MatMul`, `Add` and the activation.

References
----------
Ceccon et al. 2022, "OMLT: Optimization & Machine Learning Toolkit".
"""

import numpy as np

from export.errors import NotExportable
from export.onnx import messages
from export.onnx.model import OUTPUTS, file_of
from export.onnx.nodes import Nodes
from export.source import Source
from network import Array, Model

_NODES = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid", "sine": "Sin", "identity": ""}


def folded_file(source: Source) -> bytes:
    """Return the ONNX file of a network whose features are numbers.

    Raises
    ------
    NotExportable
        it is another kind of model, an interval is asked for, or a number overflows.
    """
    model = _plain_network(source)
    nodes, tensor = Nodes(("x", OUTPUTS[0])), "x"
    activation = _NODES[model.architecture.activation]
    layers = _folded_layers(model)
    if not all(np.isfinite(each).all() for layer in layers for each in layer):
        raise NotExportable(
            "a feature's or target's deviation in training is so small or large that the folded "
            "weights overflow; the usual form has the scaling apart"
        )
    for number, (weights, bias) in enumerate(layers, 1):
        is_last = number == len(layers)
        product = nodes.add("MatMul", tensor, weights)
        tensor = nodes.add("Add", product, bias, out=OUTPUTS[0] if is_last else "")
        if activation and not is_last:
            tensor = nodes.add(activation, tensor)
    names = ", ".join(model.features)
    inputs = [messages.value_info("x", messages.DOUBLE, len(model.features), names)]
    return file_of(source, nodes, inputs, OUTPUTS[:1])


def _plain_network(source: Source) -> Model:
    model = source.model
    if not isinstance(model, Model):
        raise NotExportable("only one network can be folded; this version is an ensemble")
    if model.encoding is not None:
        raise NotExportable(
            "only a network whose features are numbers without missing cells can be folded; this "
            "version has others"
        )
    if (activation := model.architecture.activation) not in _NODES:
        raise NotExportable(
            f"a network with the activation {activation} cannot be folded; expected one of "
            f"{', '.join(_NODES)}"
        )
    if source.level is not None:
        raise NotExportable("the folded form has no prediction intervals")
    return model


def _folded_layers(model: Model) -> list[tuple[Array, Array]]:
    """Return the weights and the bias of each layer, from unscaled features to unscaled targets."""
    layers = model.architecture.layers(model.theta)
    inputs, targets = model.feature_scaling, model.target_scaling
    with np.errstate(all="ignore"):  # the caller looks at the result
        W, b = layers[0]
        weights = W / inputs.scale[:, None]
        layers[0] = weights, b - inputs.shift @ weights
        W, b = layers[-1]
        layers[-1] = W * targets.scale, b * targets.scale + targets.shift
    return layers
