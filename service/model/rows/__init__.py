"""The rows in requests: what is valid, and their numbers."""
