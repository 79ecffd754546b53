"""Remarks on the numbers of a table: what a user might not know about the data."""

from collections.abc import Sequence

from network import Array, Column


def find_remarks(
    columns: Sequence[Column], targets: Sequence[str], X: Array, Y: Array
) -> list[str]:
    """Return what may harm a model, as sentences."""
    return []
