"""Which rows train, which choose when to stop, and which are kept for the final word.

The rows with the smallest hashes of their own numbers are kept for the test: the same ones under
every seed and in any order, so that a model is judged on rows that the one before it was not
trained on either. When a table grows, its old rows in the test are again those with the smallest
hashes among the old: all that were and a few others, or all of them but a few.

References
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, OOPSLA '14: the
        mixing function, SplitMix64. Its constants are variant 13 of Stafford (2011), Better bit
        mixing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from network import Rows
from trainer.data.table import Table

VALIDATION_FRACTION = 0.1
TEST_FRACTION = 0.1
MAX_VALIDATION_ROWS = 5_000  # enough to choose by; they are passed over after every iteration


@dataclass(frozen=True, eq=False)
class Split:
    """Three sets of rows that do not overlap and together are the table."""

    train: Rows
    validation: Rows
    test: Rows


def split(table: Table, rng: np.random.Generator) -> Split:
    """80 % for training, 10 % for validation, 10 % for the test, each at least 1.

    The test rows are chosen by their hashes and come in that order; the others are dealt out at
    random. Validation takes no more than `MAX_VALIDATION_ROWS`; training has the rest.
    """
    rows = table.rows
    test, others = _order(rows)
    validation = min(MAX_VALIDATION_ROWS, max(1, round(VALIDATION_FRACTION * len(rows))))
    rng.shuffle(others)
    return Split(rows[others[validation:]], rows[others[:validation]], rows[test])


def held_out(table: Table) -> Rows:
    """The test rows alone."""
    rows = table.rows
    return rows[_order(rows)[0]]


def _order(rows: Rows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows are for the test, and which are not."""
    order = np.argsort(_hashes(rows), kind="stable")
    test = max(1, round(TEST_FRACTION * len(order)))
    return order[:test], order[test:]


def _hashes(rows: Rows) -> NDArray[np.uint64]:
    """A hash of each row's features and targets: (N,).

    Weights have no part in it: they say what a row counts for, which may change as it ages.
    """
    hashes = np.zeros(len(rows), np.uint64)
    for column in (*rows.X.T, *rows.Y.T):
        hashes ^= (column + 0.0).view(np.uint64)  # −0.0 becomes 0.0, which it equals
        _mix(hashes)
    return hashes


def _mix(z: NDArray[np.uint64]) -> None:
    """One step of SplitMix64, in place: a bijection that lets each bit act on all others."""
    z += 0x9E3779B97F4A7C15
    z ^= z >> 30
    z *= 0xBF58476D1CE4E5B9
    z ^= z >> 27
    z *= 0x94D049BB133111EB
    z ^= z >> 31
