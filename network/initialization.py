"""Random initial parameters that keep the signal's variance from layer to layer.

References
----------
Glorot & Bengio 2010, eq. 16: U(±√(6/(inputs + outputs))), for tanh, sigmoid and linear layers.
He et al. 2015, eq. 10, as a uniform law: U(±√(6/inputs)), for relu and its smooth relatives.
Sitzmann et al. 2020, section 3.2: the same bound for sine.
"""

import numpy as np

from network.activations import ACTIVATIONS
from network.architecture import Architecture
from network.arrays import Array


def initial_parameters(architecture: Architecture, rng: np.random.Generator) -> Array:
    """Random θ: weights drawn to match the activation, biases zero.

    Returns
    -------
    theta : (P,) float64
    """
    theta = np.zeros(architecture.parameters)
    hidden = ACTIVATIONS[architecture.activation].initialization
    layers = architecture.layers(theta)
    for index, (W, _) in enumerate(layers):
        inputs, outputs = W.shape
        he = hidden == "he" and index < len(layers) - 1
        bound = np.sqrt(6.0 / (inputs if he else inputs + outputs))
        W[:] = rng.uniform(-bound, bound, W.shape)
    return theta
