"""The split of a table into training, validation and test rows.

The test rows are those with the smallest hashes of their own numbers. They are the same for every
seed and in any order, so that a new model is judged on rows that no earlier model was trained on.
When a table grows, its old test rows are again those with the smallest hashes among the old rows:
a few more or a few less than before.

References
    Steele, Lea & Flood (2014), Fast splittable pseudorandom number generators, OOPSLA '14: the
        mixing function, SplitMix64. Its constants are variant 13 of Stafford (2011), Better bit
        mixing.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from network import Array, Column, Rows
from trainer.data.table import Table
from trainer.errors import DataError

VALIDATION_FRACTION = 0.1
TEST_FRACTION = 0.1
MIN_TRAINING_ROWS = 8  # with the validation rows
MAX_VALIDATION_ROWS = 5_000  # sufficient for early stopping; evaluated after every iteration


@dataclass(frozen=True, eq=False)
class Split:
    """Three disjoint sets of a table's rows.

    Attributes
    ----------
    unseen_indices : of the validation and test rows in the table
    """

    train: Rows
    validation: Rows
    test: Rows
    unseen_indices: NDArray[np.intp]


def split(
    table: Table,
    rng: np.random.Generator,
    test_fraction: float = TEST_FRACTION,
    most_training_rows: int | None = None,
) -> Split:
    """Split a table into training, 10 % validation and test rows, each at least 1.

    The test rows are chosen and ordered by their hashes; the others are assigned at random.
    Validation has at most `MAX_VALIDATION_ROWS`, and training the rest, or `most_training_rows`.
    """
    rows = table.rows
    test, others = _order(table, test_fraction)
    validation = min(MAX_VALIDATION_ROWS, max(1, round(VALIDATION_FRACTION * len(rows))))
    rng.shuffle(others)
    train, validate = others[validation:][:most_training_rows], others[:validation]
    unseen = np.concatenate([validate, test])
    return Split(rows[train], rows[validate], rows[test], unseen)


def held_out(table: Table) -> Rows:
    """Return the test rows."""
    return table.rows[held_out_indices(table)]


def held_out_indices(table: Table, fraction: float = TEST_FRACTION) -> NDArray[np.intp]:
    """Return the indices of the test rows."""
    return _order(table, fraction)[0]


def kept_and_test(
    table: Table, test_fraction: float
) -> tuple[NDArray[np.intp] | slice, NDArray[np.intp]]:
    """Return the indices of the rows to train on, in order, and of the test rows.

    No row is for tests if the fraction is 0; the indices of all rows are then a slice.
    """
    if not test_fraction:
        return slice(None), np.array([], np.intp)
    test, others = _order(table, test_fraction)
    return np.sort(others), test


def fold_numbers(table: Table, folds: int, partitions: int) -> NDArray[np.uint8]:
    """Return the fold of each row in each partition: (partitions, N), from 0 to `folds` − 1.

    A row's folds depend on its own numbers and texts alone: they are the same in every table.
    """
    hashes = _hashes(table)
    numbers = np.empty((partitions, len(hashes)), np.uint8)
    for partition in range(partitions):
        mixed = hashes + np.uint64(partition)
        _mix(mixed)
        numbers[partition] = mixed % np.uint64(folds)
    return numbers


def _order(table: Table, fraction: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the indices of the test rows, and of the others."""
    order = np.argsort(_hashes(table), kind="stable")
    test = max(1, round(fraction * len(order)))
    if (left := len(order) - test) < MIN_TRAINING_ROWS:
        raise DataError(
            f"{table.source} has {len(order)} rows: a test fraction of {fraction:g} leaves {left} "
            f"to train on; expected at least {MIN_TRAINING_ROWS}"
        )
    return order[:test], order[test:]


def _hashes(table: Table) -> NDArray[np.uint64]:
    """Return a hash of each row's features and targets: (N,).

    A category counts by its text, because its number depends on the other rows. Weights are left
    out, because the weight of a row may change as the row ages.
    """
    hashes = np.zeros(len(table.X), np.uint64)
    for column, cells in zip(table.columns, table.X.T, strict=True):
        hashes ^= _bits_of_texts(column, cells) if column.kind == "category" else _bits(cells)
        _mix(hashes)
    for cells in table.Y.T:
        hashes ^= _bits(cells)
        _mix(hashes)
    return hashes


def _bits(cells: Array) -> NDArray[np.uint64]:
    numbers = cells + 0.0  # −0.0 becomes 0.0, which it equals
    numbers[np.isnan(numbers)] = np.nan  # of any sign and payload, as file formats differ in them
    return numbers.view(np.uint64)


def _bits_of_texts(column: Column, cells: Array) -> NDArray[np.uint64]:
    digests = b"".join(blake2b(text.encode(), digest_size=8).digest() for text in column.values)
    bits = np.append(np.frombuffer(digests, "<u8"), np.uint64(0))  # the last is a missing cell's
    return bits[np.nan_to_num(cells, nan=-1.0).astype(np.intp)]


def _mix(z: NDArray[np.uint64]) -> None:
    """Apply one step of SplitMix64 in place: a bijection in which every bit affects all others."""
    z += 0x9E3779B97F4A7C15
    z ^= z >> 30
    z *= 0xBF58476D1CE4E5B9
    z ^= z >> 27
    z *= 0x94D049BB133111EB
    z ^= z >> 31
