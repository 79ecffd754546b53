"""JSON that documents itself: from this file alone, a reader can compute predictions."""

from export.json_document.file import FORMAT

__all__ = ["FORMAT"]
