"""What pages show of versions: facts, errors beside those of simpler models, and figures."""
