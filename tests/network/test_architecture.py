"""Layer sizes, their limits, and the layout of θ."""

from typing import Any

import numpy as np
import pytest

from network import Architecture, ArchitectureError, NetworkError


@pytest.mark.parametrize(
    ("sizes", "activation", "message"),
    [
        ((), "tanh", r"needs an input and an output layer, got sizes \[\]"),
        ((4,), "tanh", r"needs an input and an output layer, got sizes \[4\]"),
        ((4, 0, 1), "tanh", r"a whole number from 1, got \[4, 0, 1\]"),
        ((4, -3, 1), "tanh", r"a whole number from 1, got \[4, -3, 1\]"),
        ((4, 2.0, 1), "tanh", r"a whole number from 1, got \[4, 2\.0, 1\]"),
        ((True, 1), "tanh", r"a whole number from 1, got \[True, 1\]"),
        (("4", 1), "tanh", r"a whole number from 1, got \['4', 1\]"),
        ((4, 3, 1), "tan", "unknown activation 'tan'; expected one of tanh, relu, sigmoid, gelu"),
        ((1, 4000, 4000, 1), "relu", r"make 16,016,001 parameters; the limit is 10,000,000"),
    ],
)
def test_invalid_architecture_is_refused(sizes: Any, activation: str, message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        Architecture(sizes, activation)


def test_largest_architecture_is_accepted() -> None:
    assert Architecture((9_999_999, 1)).parameters == 10_000_000
    with pytest.raises(NetworkError):
        Architecture((10_000_000, 1))


def test_sizes_give_features_targets_and_parameters() -> None:
    architecture = Architecture((4, 32, 16, 3))
    assert (architecture.features, architecture.targets) == (4, 3)
    assert architecture.parameters == (4 * 32 + 32) + (32 * 16 + 16) + (16 * 3 + 3)


def test_theta_is_row_major_weights_then_bias_of_each_layer() -> None:
    (W0, b0), (W1, b1) = Architecture((2, 3, 1)).layers(np.arange(13.0))
    np.testing.assert_array_equal(W0, [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(b0, [6, 7, 8])
    np.testing.assert_array_equal(W1, [[9], [10], [11]])
    np.testing.assert_array_equal(b1, [12])


def test_writing_to_a_layer_writes_to_theta() -> None:
    theta = np.zeros(13)
    (W0, b0), (W1, b1) = Architecture((2, 3, 1)).layers(theta)
    for value, part in enumerate((W0, b0, W1, b1), 1):
        part[...] = value
    np.testing.assert_array_equal(theta, [1] * 6 + [2] * 3 + [3] * 3 + [4])


def test_matrix_is_the_weights_with_the_bias_as_last_row() -> None:
    first, last = Architecture((2, 3, 1)).matrices(np.arange(13.0))
    np.testing.assert_array_equal(first, [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    np.testing.assert_array_equal(last, [[9], [10], [11], [12]])


def test_writing_to_a_matrix_writes_to_theta() -> None:
    theta = np.zeros(13)
    for value, matrix in enumerate(Architecture((2, 3, 1)).matrices(theta), 1):
        matrix[...] = value
    np.testing.assert_array_equal(theta, [1] * 9 + [2] * 4)


@pytest.mark.parametrize("sizes", [(1, 1), (4, 3), (2, 3, 1), (3, 1, 1, 2), (5, 4, 3, 2)], ids=str)
def test_matrices_and_layers_are_views_of_the_same_numbers(sizes: tuple[int, ...]) -> None:
    architecture = Architecture(sizes)
    theta = np.arange(float(architecture.parameters))
    matrices, layers = architecture.matrices(theta), architecture.layers(theta)
    for matrix, (W, b) in zip(matrices, layers, strict=True):
        assert all(np.shares_memory(part, theta) for part in (matrix, W, b))
        np.testing.assert_array_equal(matrix, np.vstack([W, b]))
    np.testing.assert_array_equal(np.concatenate([matrix.ravel() for matrix in matrices]), theta)


@pytest.mark.parametrize("shape", [(12,), (14,), (13, 1), ()])
def test_theta_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    architecture, theta = Architecture((2, 3, 1)), np.zeros(shape)
    for views in (architecture.layers, architecture.matrices):
        with pytest.raises(
            ArchitectureError, match=r"θ has shape .*; sizes \[2, 3, 1\] need \(13,\)"
        ):
            views(theta)
