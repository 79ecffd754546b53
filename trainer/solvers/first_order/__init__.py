"""Gradient methods that need a learning rate."""
