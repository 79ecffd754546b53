"""One training: its options, plan, loop, checkpoints and card."""
