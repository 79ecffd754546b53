"""Tables to train on: reading, checks and the split."""
