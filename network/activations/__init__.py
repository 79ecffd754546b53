"""Activation functions, and a tanh in few passes for processors without AVX-512."""

from network.activations.activation import ACTIVATIONS, Activation

__all__ = ["ACTIVATIONS", "Activation"]
