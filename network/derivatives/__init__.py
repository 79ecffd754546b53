"""Derivatives of the loss and of the predictions by the parameters."""
