"""One training: recipe, plan, loop, checkpoints, card."""
