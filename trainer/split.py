"""Which rows train, which choose when to stop, and which are kept for the final word."""

from dataclasses import dataclass

import numpy as np

from network import Rows
from trainer.table import Table

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
    """80 % for training, 10 % for validation, 10 % for the test, at random, each at least 1.

    Validation takes no more than `MAX_VALIDATION_ROWS`; training has the rest.
    """
    rows = table.rows
    order = rng.permutation(len(rows))
    validation = min(MAX_VALIDATION_ROWS, max(1, round(VALIDATION_FRACTION * len(order))))
    test = max(1, round(TEST_FRACTION * len(order)))
    parts = np.split(order, [len(order) - validation - test, len(order) - test])
    train_rows, validation_rows, test_rows = (rows[part] for part in parts)
    return Split(train_rows, validation_rows, test_rows)
