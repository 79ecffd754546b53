"""Everything that makes a model: data, optimizers, the training loop and its command."""
