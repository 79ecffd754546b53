"""The split into rows that train, validate and test."""

from collections.abc import Callable

import numpy as np
import pytest

from trainer.split import Split, split
from trainer.table import Table

MakeTable = Callable[..., Table]


def parts_of(table: Table, seed: int) -> Split:
    return split(table, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("rows", "train", "validation", "test"),
    [
        (10, 8, 1, 1),
        (14, 12, 1, 1),
        (100, 80, 10, 10),
        (5003, 4003, 500, 500),
        (60_000, 49_000, 5_000, 6_000),
    ],
)
def test_a_tenth_validates_and_a_tenth_tests(
    rows: int, train: int, validation: int, test: int, make_table: MakeTable
) -> None:
    parts = parts_of(make_table(rows), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (train, validation, test)


@pytest.mark.parametrize("rows", [10, 11, 25, 100, 1001])
def test_every_row_is_in_exactly_one_part_with_its_own_targets(
    rows: int, make_table: MakeTable
) -> None:
    table = make_table(rows, targets=2)
    parts = parts_of(table, 3)
    together = np.vstack(
        [np.hstack([part.X, part.Y]) for part in (parts.train, parts.validation, parts.test)]
    )
    expected = np.hstack([table.X, table.Y])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(expected, axis=0))
    assert together.shape == expected.shape == np.unique(expected, axis=0).shape


def test_same_seed_gives_the_same_split_and_another_seed_another(make_table: MakeTable) -> None:
    table = make_table(100)
    first, again, other = (parts_of(table, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.test.X, again.test.X)
    np.testing.assert_array_equal(first.train.Y, again.train.Y)
    assert (first.test.X != other.test.X).any()
    assert (np.sort(first.train.X, axis=0) != np.sort(table.X[:80], axis=0)).any()  # shuffled
