"""Tables to train on: read, checked and split."""
