"""Random initial parameters: their distributions and their generator."""

from itertools import pairwise

import numpy as np
import pytest

from network import ACTIVATIONS, Architecture, Array, initial_parameters
from tests.network.problems import EVERY_ACTIVATION

SIZES = (200, 300, 100, 60)
VARIANCE = {"lecun": 1, "he": 2}  # of a weight, times the inputs of its unit


def layers_of(sizes: tuple[int, ...], activation: str) -> list[tuple[Array, Array]]:
    architecture = Architecture(sizes, activation)
    return architecture.layers(initial_parameters(architecture, np.random.default_rng(0)))


@EVERY_ACTIVATION
def test_weights_have_the_standard_deviation_of_the_activation(activation: str) -> None:
    layers = layers_of(SIZES, activation)
    for index, ((inputs, _), (W, _)) in enumerate(zip(pairwise(SIZES), layers, strict=True)):
        last = index == 2  # linear, whatever the activation
        law = "lecun" if last else ACTIVATIONS[activation].initialization
        deviation = (VARIANCE[law] / inputs) ** 0.5
        assert W.std() == pytest.approx(deviation, rel=0.03)
        assert abs(W.mean()) < 0.04 * deviation
        # a normal law has 68.3 % within one deviation, a uniform one 57.7 %
        assert np.mean(np.abs(W) < deviation) == pytest.approx(0.683, abs=0.02)


@EVERY_ACTIVATION
def test_biases_of_hidden_units_are_uniform_in_plus_and_minus_one(activation: str) -> None:
    for _, b in layers_of(SIZES, activation)[:-1]:
        assert -1.0 <= b.min() < -0.9
        assert 0.9 < b.max() <= 1.0
        assert abs(b.mean()) < 0.2


@EVERY_ACTIVATION
@pytest.mark.parametrize("sizes", [SIZES, (200, 60)], ids=str)
def test_biases_of_the_last_layer_are_zero(sizes: tuple[int, ...], activation: str) -> None:
    _, b = layers_of(sizes, activation)[-1]
    np.testing.assert_array_equal(b, 0.0)


@EVERY_ACTIVATION
def test_without_hidden_layers_the_activation_does_not_matter(activation: str) -> None:
    ((W, _),) = layers_of((200, 60), activation)
    assert W.std() == pytest.approx(1 / 200**0.5, rel=0.03)


def test_seed_determines_the_parameters() -> None:
    architecture = Architecture(SIZES)
    first, again, other = (
        initial_parameters(architecture, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    assert first.tobytes() == again.tobytes()
    assert first.shape == (architecture.parameters,)
    assert (first == other).sum() == 60  # the biases of the last layer


def test_next_draw_of_a_generator_is_different() -> None:
    architecture, rng = Architecture((3, 5, 1)), np.random.default_rng(0)
    first, second = initial_parameters(architecture, rng), initial_parameters(architecture, rng)
    assert (first == second).sum() == 1
