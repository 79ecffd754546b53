"""Which rows train, which choose when to stop, and which are kept for the final word."""

from dataclasses import dataclass

import numpy as np

from network import Array
from trainer.table import Table

VALIDATION_FRACTION = 0.1
TEST_FRACTION = 0.1


@dataclass(frozen=True, eq=False)
class Rows:
    """Features X (N, features) and targets Y (N, targets) of some rows."""

    X: Array
    Y: Array

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True, eq=False)
class Split:
    """Three sets of rows that do not overlap and together are the table."""

    train: Rows
    validation: Rows
    test: Rows


def split(table: Table, rng: np.random.Generator) -> Split:
    """80 % for training, 10 % for validation, 10 % for the test, at random, each at least 1."""
    order = rng.permutation(len(table.X))
    validation = max(1, round(VALIDATION_FRACTION * len(order)))
    test = max(1, round(TEST_FRACTION * len(order)))
    parts = np.split(order, [len(order) - validation - test, len(order) - test])
    train_rows, validation_rows, test_rows = (Rows(table.X[part], table.Y[part]) for part in parts)
    return Split(train_rows, validation_rows, test_rows)
