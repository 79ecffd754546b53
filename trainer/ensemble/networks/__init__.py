"""Networks of one model, trained in lock step as batched arrays."""
