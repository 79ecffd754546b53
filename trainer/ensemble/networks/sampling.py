"""The rows of one member: those it is trained on in an epoch, and those that it does not see."""

from dataclasses import dataclass, field

import numpy as np

from trainer.ensemble.data import Data, Integers

_MARGIN = 1.05  # of the numbers drawn, so that enough are outside the fold


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws the training rows of the member for one fold.

    Attributes
    ----------
    partition, fold : of the rows that are held out
    limit : rows per epoch; if there are more, an epoch has rows drawn at random, with replacement
    """

    data: Data
    partition: int
    fold: int
    limit: int
    count: int = field(init=False)
    _rows: Integers | None = field(init=False)

    def __post_init__(self) -> None:
        inside = self.data.folds[self.partition] != self.fold
        count = int(np.count_nonzero(inside))
        rows = np.flatnonzero(inside).astype(np.int32) if count <= self.limit else None
        object.__setattr__(self, "count", min(count, self.limit))
        object.__setattr__(self, "_rows", rows)

    def epoch(self, rng: np.random.Generator, rows: int) -> Integers:
        """Return the training rows of an epoch in random order: (rows,), at most `count`."""
        if self._rows is not None:
            return rng.permutation(self._rows)[:rows]
        folds = self.data.folds[self.partition]
        drawn = np.empty(0, np.int32)
        while len(drawn) < rows:
            candidates = rng.integers(len(self.data), size=int(_MARGIN * rows), dtype=np.int32)
            drawn = np.concatenate((drawn, candidates[folds[candidates] != self.fold]))
        return drawn[:rows]

    def held_out(self) -> Integers:
        """Return the rows of the fold."""
        return np.flatnonzero(self.data.folds[self.partition] == self.fold)
