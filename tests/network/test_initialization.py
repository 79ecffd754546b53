"""Random initial parameters: their bounds, and where they come from."""

from itertools import pairwise

import numpy as np
import pytest

from network import ACTIVATIONS, Architecture, initial_parameters

SIZES = (50, 60, 40, 30)
HE = {"relu", "gelu", "silu", "sine"}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_fill_the_bounds_that_suit_the_activation(activation: str) -> None:
    architecture = Architecture(SIZES, activation)
    theta = initial_parameters(architecture, np.random.default_rng(0))
    layers = architecture.layers(theta)
    for index, ((inputs, outputs), (W, b)) in enumerate(zip(pairwise(SIZES), layers, strict=True)):
        he = activation in HE and index < 2  # the last layer is linear
        bound = (6 / inputs if he else 6 / (inputs + outputs)) ** 0.5
        assert -bound <= W.min() < -0.98 * bound
        assert 0.98 * bound < W.max() <= bound
        assert abs(W.mean()) < 0.1 * bound
        np.testing.assert_array_equal(b, 0.0)


def test_same_seed_gives_the_same_parameters_and_another_seed_others() -> None:
    architecture = Architecture(SIZES)
    first, again, other = (
        initial_parameters(architecture, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert first.tobytes() == again.tobytes()
    assert first.shape == (architecture.parameters,)
    assert (first == other).sum() == 60 + 40 + 30  # the biases
