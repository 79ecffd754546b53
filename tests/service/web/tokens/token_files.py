"""Lines of a file of tokens."""

import hashlib


def line(token: str, rights: str, models: str) -> str:
    """Return the line that gives a token rights for models."""
    return f"{hashlib.sha256(token.encode()).hexdigest()} {rights} {models}\n"
