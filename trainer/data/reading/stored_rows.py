"""The rows that are used, in memory that grows with them."""

from array import array
from dataclasses import dataclass, field

import numpy as np

from network import Array
from trainer.data.reading.cells.kinds import CellReader
from trainer.data.reading.selection import Selection


@dataclass
class StoredRows:
    """The rows that are used.

    Attributes
    ----------
    readers : of the targets, the weights and the features; None if all cells are missing
    notes : on rows that were left out, as sentences
    without_target, without_weight : the numbers of rows that were left out
    """

    selection: Selection
    readers: list[CellReader | None]
    notes: list[str]
    without_target: int = 0
    without_weight: int = 0
    _X: "array[float]" = field(default_factory=lambda: array("d"))
    _Y: "array[float]" = field(default_factory=lambda: array("d"))
    _weights: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, numbers: Array) -> None:
        """Append rows of targets, weights and features, except those without target or weight."""
        targets = len(self.selection.targets)
        features = numbers.shape[1] - len(self.selection.features)
        has_target = ~np.isnan(numbers[:, :targets]).any(axis=1)
        keep = has_target
        if self.selection.weights:
            has_weight = numbers[:, targets] != 0
            keep = has_target & has_weight
            self.without_weight += int((~has_weight).sum())
        self.without_target += int((~has_target).sum())
        if not keep.all():
            numbers = numbers[keep]
        self._Y.frombytes(numbers[:, :targets].tobytes())
        self._weights.frombytes(numbers[:, targets:features].tobytes())
        self._X.frombytes(numbers[:, features:].tobytes())

    def drop_last(self) -> None:
        """Leave out the last row. No view of the rows may exist."""
        selection = self.selection
        del self._X[-len(selection.features) :], self._Y[-len(selection.targets) :]
        if selection.weights:
            del self._weights[-1:]

    @property
    def X(self) -> Array:  # noqa: N802  # the paper's symbol
        """Return the features, without a copy."""
        return np.frombuffer(self._X).reshape(-1, len(self.selection.features))

    @property
    def Y(self) -> Array:  # noqa: N802
        """Return the targets, without a copy."""
        return np.frombuffer(self._Y).reshape(-1, len(self.selection.targets))

    @property
    def weights(self) -> Array | None:
        """Return the weights, without a copy; None if there are none."""
        return np.frombuffer(self._weights) if self.selection.weights else None
