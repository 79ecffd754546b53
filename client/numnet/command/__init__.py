"""The `numnet` command."""

from numnet.command.main import main

__all__ = ["main"]
