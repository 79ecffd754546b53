"""Rows: selections keep features, targets and weights together."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Array, Rows


def numbered(count: int, weighted: bool = True) -> Rows:
    """Row n has features n and n, target −n and weight n."""
    n = np.arange(float(count))
    return Rows(np.column_stack([n, n]), -n[:, None], n.copy() if weighted else None)


def numbers(rows: Rows) -> list[float]:
    """Return the numbers of rows, after a check that their parts agree."""
    n = rows.X[:, 0]
    np.testing.assert_array_equal(rows.X[:, 1], n)
    np.testing.assert_array_equal(rows.Y, -n[:, None])
    if rows.weights is not None:
        np.testing.assert_array_equal(rows.weights, n)
    return [float(number) for number in n]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, -3), [6, 3, 0]),
        (slice(5, 99), [5, 6]),
        (slice(3, 3), []),
        (np.array([6, 0, 6, 2]), [6, 0, 6, 2]),
        (np.array([], dtype=np.intp), []),
        (np.arange(7) % 2 == 1, [1, 3, 5]),
    ],
    ids=str,
)
def test_selected_rows_keep_their_features_targets_and_weights(
    which: slice | Array, expected: list[float], weighted: bool
) -> None:
    picked = numbered(7, weighted)[which]
    assert numbers(picked) == expected
    assert len(picked) == len(expected)
    assert (picked.weights is not None) == weighted


def test_slice_is_a_view() -> None:
    rows = numbered(7)
    part = rows[2:5]
    assert part.weights is not None
    assert rows.weights is not None
    assert np.shares_memory(part.X, rows.X)
    assert np.shares_memory(part.Y, rows.Y)
    assert np.shares_memory(part.weights, rows.weights)


def test_total_weight_is_the_sum_of_the_weights() -> None:
    assert numbered(5).total_weight == 0 + 1 + 2 + 3 + 4
    assert numbered(5)[1:3].total_weight == 1 + 2


def test_total_weight_without_weights_is_the_number_of_rows() -> None:
    assert numbered(5, weighted=False).total_weight == 5
    assert numbered(0, weighted=False).total_weight == 0


@given(count=st.integers(0, 60), size=st.integers(1, 70), weighted=st.booleans())
def test_blocks_contain_every_row_once_and_in_order(count: int, size: int, weighted: bool) -> None:
    rows = numbered(count, weighted)
    blocks = list(rows.blocks(size))
    assert [n for block in blocks for n in numbers(block)] == list(range(count))
    assert all(len(block) == size for block in blocks[:-1])
    assert all(0 < len(block) <= size for block in blocks)
    assert sum(block.total_weight for block in blocks) == rows.total_weight


def test_rows_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        numbered(3).weights = None  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize("factor", [1.0, 1e200, 0.0])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 1.0])])
def test_mean_of_rows_has_its_standard_error(factor: float, weights: Array | None) -> None:
    values = factor * np.array([1.0, 2.0, 6.0])
    mean, error = Rows(np.zeros((3, 1)), np.zeros((3, 1)), weights).mean(values)
    shares = np.array([1, 1, 1]) / 3 if weights is None else weights / 4
    expected = shares @ [1.0, 2.0, 6.0]
    assert mean == pytest.approx(factor * expected)
    deviations = shares * (np.array([1.0, 2.0, 6.0]) - expected)
    assert error == pytest.approx(factor * np.sqrt((deviations**2).sum()))


@pytest.mark.parametrize(
    ("weights", "effective"),
    [(None, 3.0), ([2.0, 2.0, 2.0], 3.0), ([1.0, 1.0, 0.0], 2.0), ([1e12, 1.0, 1.0], 1.0)],
)
def test_the_effective_count_is_the_number_of_rows_that_carry_the_weight(
    weights: list[float] | None, effective: float
) -> None:
    rows = Rows(np.zeros((3, 1)), np.zeros((3, 1)), None if weights is None else np.array(weights))
    assert rows.effective_count == pytest.approx(effective)
    _, error = rows.mean(np.array([1.0, 2.0, 4.0]))
    assert np.isfinite(error) == (effective > 1.5)


def test_the_error_of_a_single_row_is_unknown() -> None:
    assert Rows(np.zeros((1, 1)), np.zeros((1, 1))).mean(np.ones(1)) == (1.0, np.inf)
