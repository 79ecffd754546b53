"""Random initial parameters that keep the signal's variance from layer to layer.

References
----------
LeCun et al. 1998, "Efficient BackProp", section 4.6: standard deviation 1/√inputs, for tanh,
sigmoid and linear layers.
He et al. 2015, eq. 10: standard deviation √(2/inputs), for relu and similar functions.
Nguyen & Widrow 1990: biases that spread the units' turning points over the range of the inputs.
"""

import numpy as np

from network.activations import ACTIVATIONS
from network.architecture import Architecture
from network.arrays import Array


def initial_parameters(architecture: Architecture, rng: np.random.Generator) -> Array:
    """Draw θ: normal weights that suit the activation, and biases of hidden units in ±1.

    Returns
    -------
    theta : (P,) float64
    """
    theta = np.zeros(architecture.parameters)
    hidden = ACTIVATIONS[architecture.activation].initialization
    *layers, (last, _) = architecture.layers(theta)
    for W, b in layers:
        W[:] = rng.normal(0.0, np.sqrt((2.0 if hidden == "he" else 1.0) / len(W)), W.shape)
        b[:] = rng.uniform(-1.0, 1.0, b.shape)
    last[:] = rng.normal(0.0, np.sqrt(1.0 / len(last)), last.shape)
    return theta
