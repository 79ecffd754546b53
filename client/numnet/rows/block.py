"""Blocks of rows as JSON or as an array, each the body of one request."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

JSON, NPY = "application/json", "application/x-npy"


@dataclass(frozen=True)
class JsonBlock:
    """Rows as JSON.

    Attributes
    ----------
    rows : JSON values: objects, or lists in the order of the features
    """

    rows: Sequence[Any]
    media_type: str = JSON

    def content(self) -> bytes:
        """Return the body."""
        return json.dumps({"instances": self.rows}, separators=(",", ":")).encode()

    def halves(self) -> tuple[Self, Self] | None:
        """Return two blocks with half of the rows each; None if there is one row."""
        middle = len(self.rows) // 2
        parts = self.rows[:middle], self.rows[middle:]
        return (replace(self, rows=parts[0]), replace(self, rows=parts[1])) if middle else None


@dataclass(frozen=True)
class NpyBlock:
    """Rows as an array (N, features), or (N,) with fields, of a type that needs no pickle.

    Attributes
    ----------
    names : of the columns, if the caller gave them; errors then have them in place of indices
    """

    rows: Any
    names: Sequence[str] = ()
    media_type: str = NPY

    def content(self) -> bytes:
        """Return the body."""
        import numpy as np

        file = io.BytesIO()
        np.save(file, self.rows, allow_pickle=False)
        return file.getvalue()

    def halves(self) -> tuple[Self, Self] | None:
        """Return two blocks with half of the rows each; None if there is one row."""
        middle = len(self.rows) // 2
        parts = self.rows[:middle], self.rows[middle:]
        return (replace(self, rows=parts[0]), replace(self, rows=parts[1])) if middle else None
