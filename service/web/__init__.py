"""Flask plumbing that every endpoint uses."""
