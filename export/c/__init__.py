"""A version as one file of C99, without dependencies."""

from export.c.program import c_program
from export.source import Format

FORMAT = Format("text/x-c", c_program)

__all__ = ["FORMAT", "c_program"]
