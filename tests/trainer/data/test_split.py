"""The split into training, validation and test rows."""

import struct
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest

from network import Array, Column, Rows
from network.column import numbers
from trainer.data.split import (
    Split,
    fold_numbers,
    held_out_indices,
    kept_and_test,
    split,
)
from trainer.data.table import Table

MakeTable = Callable[..., Table]


def parts_of(table: Table, seed: int) -> Split:
    return split(table, np.random.default_rng(seed))


def table_of(X: Array, Y: Array | None = None) -> Table:
    """Make a table whose target is `Y`, or the sum of the features."""
    names = tuple(f"x{k}" for k in range(X.shape[1]))
    return Table(
        numbers(names), ("y",), X, X.sum(axis=1, keepdims=True) if Y is None else Y, "made"
    )


def numbers_of(rows: Rows) -> list[tuple[float, ...]]:
    """Return features and targets of each row."""
    return [tuple(row) for row in np.hstack([rows.X, rows.Y]).tolist()]


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
def test_a_tenth_of_the_rows_validates_and_a_tenth_tests(
    rows: int, train: int, validation: int, test: int, make_table: MakeTable
) -> None:
    parts = parts_of(make_table(rows), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (train, validation, test)


def test_training_rows_may_be_limited(make_table: MakeTable) -> None:
    table = make_table(1000)
    all_rows, some = (split(table, np.random.default_rng(0), 0.1, most) for most in (None, 300))
    assert (len(some.train), len(some.validation), len(some.test)) == (300, 100, 100)
    assert numbers_of(some.train) == numbers_of(all_rows.train)[:300]
    assert some.unseen_indices.tolist() == all_rows.unseen_indices.tolist()


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


def test_the_seed_decides_the_split(make_table: MakeTable) -> None:
    table = make_table(100)
    first, again, other = (parts_of(table, seed) for seed in (1, 1, 2))
    for part in ("train", "validation", "test"):
        assert numbers_of(getattr(first, part)) == numbers_of(getattr(again, part))
    assert set(numbers_of(first.validation)) != set(numbers_of(other.validation))
    assert numbers_of(first.train) != sorted(numbers_of(first.train))  # shuffled


# --- which rows are held out


def test_the_test_rows_do_not_depend_on_the_seed(make_table: MakeTable) -> None:
    table = make_table(500, targets=2)
    assert numbers_of(parts_of(table, 1).test) == numbers_of(parts_of(table, 2).test)


def test_the_split_does_not_depend_on_the_order_of_the_rows(make_table: MakeTable) -> None:
    table = make_table(500)
    order = np.random.default_rng(8).permutation(500)
    moved = replace(table, X=np.asfortranarray(table.X[order]), Y=table.Y[order])
    parts, moved_parts = parts_of(table, 3), parts_of(moved, 3)
    for part in ("train", "validation", "test"):
        assert numbers_of(getattr(parts, part)) == numbers_of(getattr(moved_parts, part))


def test_the_test_rows_do_not_depend_on_weights(make_table: MakeTable) -> None:
    table = make_table(200)
    aged = replace(table, weights=np.linspace(0.1, 1.0, 200))
    assert numbers_of(parts_of(table, 0).test) == numbers_of(parts_of(aged, 0).test)


def test_the_test_rows_do_not_depend_on_the_sign_of_zero() -> None:
    X = np.where(np.arange(200) % 2, 0.0, 1.0)[:, None] * np.linspace(-1.0, 1.0, 200)[:, None]
    Y = np.linspace(5.0, 6.0, 200)[:, None]
    positive, negative = np.where(X == 0.0, 0.0, X), np.where(X == 0.0, -0.0, X)
    assert numbers_of(parts_of(table_of(positive, Y), 0).test) == numbers_of(
        parts_of(table_of(negative, Y), 0).test
    )


def test_the_test_rows_do_not_depend_on_the_numbers_of_categories() -> None:
    rng = np.random.default_rng(7)
    codes, a, y = rng.integers(-1, 3, 200), rng.normal(size=200), rng.normal(size=(200, 1))
    cells: Array = np.where(codes < 0, np.nan, codes)  # a missing cell

    def held_out(values: tuple[str, ...], codes: Array) -> list[tuple[float, ...]]:
        columns = (Column("a"), Column("c", "category", values, has_gaps=True))
        table = Table(columns, ("y",), np.column_stack([a, codes]), y, "made")
        return sorted(row[:1] + row[2:] for row in numbers_of(parts_of(table, 0).test))

    assert held_out(("x", "y", "z"), cells) == held_out(("z", "y", "x"), 2 - cells)
    assert held_out(("x", "y", "z"), cells) != held_out(("x", "y", "w"), cells)


@pytest.mark.parametrize("added", [1, 30, 600, 3000])
@pytest.mark.parametrize("seed", range(3))
def test_a_grown_table_holds_out_the_same_old_rows_first(added: int, seed: int) -> None:
    old, grown = 600, 600 + added
    X = np.random.default_rng(seed).normal(size=(grown, 2))
    held_out = numbers_of(parts_of(table_of(X[:old]), 1).test)
    known = set(numbers_of(table_of(X[:old]).rows))
    again = [row for row in numbers_of(parts_of(table_of(X), 2).test) if row in known]
    both = min(len(held_out), len(again))
    assert again[:both] == held_out[:both]  # one set contains the other
    # how many of the old rows are among the tenth of all is hypergeometric
    deviation = np.sqrt(old * 0.1 * 0.9 * added / grown)
    assert abs(len(again) - len(held_out)) <= 1 + 4 * deviation


def test_copies_of_a_row_are_held_out_together_except_at_the_boundary() -> None:
    rng = np.random.default_rng(1)
    X = np.repeat(rng.normal(size=(100, 2)), rng.integers(1, 6, 100), axis=0)
    parts = parts_of(table_of(X), 4)
    seen = set(numbers_of(parts.train)) | set(numbers_of(parts.validation))
    assert len(parts.test) == round(0.1 * len(X))
    assert len(seen & set(numbers_of(parts.test))) <= 1


def test_a_table_of_copies_is_split() -> None:
    X = np.where(np.arange(100) < 95, 1.0, 2.0)[:, None]
    parts = parts_of(table_of(X), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (80, 10, 10)


@pytest.mark.parametrize(
    "X",
    [
        np.arange(10_000.0)[:, None],  # sorted, and few bits in use
        np.indices((100, 100)).reshape(2, -1).T * 1.0,  # a grid
        np.random.default_rng(0).integers(0, 2, (10_000, 20)) * 1.0,
        1.7e9 + np.arange(10_000.0)[:, None] / 64,  # timestamps
        np.random.default_rng(0).normal(size=(10_000, 3)),
    ],
    ids=["counted", "grid", "flags", "timestamps", "normal"],
)
def test_the_held_out_rows_and_the_first_of_them_represent_the_whole_table(
    X: Array,
) -> None:
    held_out = parts_of(table_of(X), 0).test
    for rows in (held_out.X, held_out.X[:200]):
        errors = (rows.mean(axis=0) - X.mean(axis=0)) / (X.std(axis=0) / np.sqrt(len(rows)))
        assert np.abs(errors).max() < 4.0
        spread = rows.std(axis=0) / X.std(axis=0)
        assert np.abs(spread - 1.0).max() < 4.0 / np.sqrt(2 * len(rows))


def test_the_held_out_rows_follow_a_splitmix_chain_over_their_numbers() -> None:
    """Another order would hold out rows that the versions published so far were trained on."""

    def splitmix(state: int) -> int:
        z = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def chain(row: Iterable[float]) -> int:
        digest = 0
        for number in row:
            [bits] = struct.unpack("<Q", struct.pack("<d", number))
            digest = splitmix(digest ^ bits)
        return digest

    assert splitmix(0) == 0xE220A8397B1DCDAF  # the reference implementation's first number
    table = table_of(np.random.default_rng(2).normal(size=(300, 3)))
    assert numbers_of(parts_of(table, 0).test) == sorted(numbers_of(table.rows), key=chain)[:30]


def test_folds_depend_on_a_row_alone_and_are_equally_large() -> None:
    X = np.random.default_rng(0).normal(size=(4000, 2))
    folds = fold_numbers(table_of(X), 8, 2)
    assert folds.shape == (2, 4000)
    order = np.random.default_rng(1).permutation(4000)[:1000]
    assert fold_numbers(table_of(X[order]), 8, 2).tolist() == folds[:, order].tolist()
    for partition in folds:
        assert abs(np.bincount(partition, minlength=8) - 500).max() < 5 * 500**0.5
    agree = (folds[0] == folds[1]).mean()
    assert agree == pytest.approx(1 / 8, abs=5 * (1 / 8 / 4000) ** 0.5)


def test_a_test_fraction_keeps_the_rows_with_the_smallest_hashes_apart() -> None:
    table = table_of(np.random.default_rng(0).normal(size=(200, 2)))
    assert kept_and_test(table, 0.0)[0] == slice(None)
    kept, test = kept_and_test(table, 0.1)
    assert sorted([*np.arange(200)[kept], *test]) == list(range(200))
    assert test.tolist() == held_out_indices(table).tolist()
    assert set(test) < set(kept_and_test(table, 0.3)[1])


def test_folds_do_not_depend_on_the_bits_of_missing_cells() -> None:
    X = np.arange(40.0).reshape(20, 2)
    X[::2, 1] = np.nan
    other = X.copy()
    other[::2, 1] = -np.nan
    columns = (Column("a"), Column("b", has_gaps=True))
    Y = np.arange(20.0)[:, None]
    tables = [Table(columns, ("y",), each, Y, "t") for each in (X, other)]
    first, second = (fold_numbers(table, 5, 3) for table in tables)
    assert X.tobytes() != other.tobytes()
    assert first.tolist() == second.tolist()
