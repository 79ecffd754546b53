"""Rows unlike any training row: how many are found, and with the same result in any batch."""

from collections.abc import Sequence

import numpy as np
import pytest

from network import Array, Familiarity, InputError
from network.familiarity import CHUNK, MAX_CENTRE_NUMBERS, MAX_DIMENSIONS

COLUMNS = 6


def correlated(rows: int, seed: int) -> Array:
    """Return rows of columns with variance 1, each of which is known from the others."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, 2))
    weights = np.random.default_rng(0).normal(size=(2, COLUMNS))
    Z: Array = z @ (weights / np.linalg.norm(weights, axis=0))
    return Z + 0.1 * rng.normal(size=Z.shape)


def shuffled(Z: Array) -> Array:
    """Return the same values in each column, in combinations that are random."""
    rng = np.random.default_rng(9)
    return np.column_stack([rng.permutation(column) for column in Z.T])


def fitted(Z: Array, columns: Sequence[int] | None = None, seed: int = 3) -> Familiarity:
    """Return the balls of rows; each input is its own column, unless stated otherwise."""
    column = np.array(columns or range(Z.shape[1]))
    return Familiarity.of(Z, column, np.random.default_rng(seed))


@pytest.mark.parametrize("rows", [300, 2_000, 20_000])
def test_few_rows_like_those_of_training_are_unfamiliar(rows: int) -> None:
    found = fitted(correlated(rows, 1)).unfamiliar(correlated(20_000, 2))
    assert found.mean() < 0.01


@pytest.mark.parametrize("rows", [300, 2_000])
def test_most_combinations_at_random_are_unfamiliar(rows: int) -> None:
    found = fitted(correlated(rows, 1)).unfamiliar(shuffled(correlated(2_000, 2)))
    assert found.mean() > 0.6


def test_a_row_between_two_clusters_is_unfamiliar() -> None:
    rng = np.random.default_rng(4)
    centres = np.array([[-1.0, -1.0], [1.0, 1.0]])
    Z = np.repeat(centres, 500, axis=0) + 0.05 * rng.normal(size=(1_000, 2))
    familiarity = fitted(Z)
    assert familiarity.unfamiliar(np.zeros((1, 2))).all()
    assert not familiarity.unfamiliar(centres).any()


def test_a_combination_of_categories_that_no_row_has_is_unfamiliar() -> None:
    categories = np.array([[0, 0], [1, 1], [2, 2]])
    one_hot = np.eye(3)[categories].reshape(3, 6)
    Z = np.repeat(one_hot, 40, axis=0)
    familiarity = fitted(Z - Z.mean(axis=0), [0, 0, 0, 1, 1, 1])
    known = one_hot - Z.mean(axis=0)
    mixed = np.eye(3)[[[0, 1], [2, 0]]].reshape(2, 6) - Z.mean(axis=0)
    assert not familiarity.unfamiliar(known).any()
    assert familiarity.unfamiliar(mixed).all()


def test_a_column_of_many_inputs_counts_as_one() -> None:
    rng = np.random.default_rng(5)
    Z = rng.normal(size=(1_000, 2))
    wide = np.column_stack([Z, *[Z[:, 1]] * 8])
    far_in_first, far_in_second = np.eye(2) * 6.0
    familiarity = fitted(wide, [0] + [1] * 9)
    projected = np.linalg.norm(
        [far[[0, 1, *[1] * 8]] @ familiarity.projection for far in (far_in_first, far_in_second)],
        axis=1,
    )
    assert projected[0] == pytest.approx(projected[1], rel=0.1)


@pytest.mark.parametrize("rows", [1, 2, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_row_has_the_same_result_alone_and_in_a_batch(rows: int) -> None:
    familiarity = fitted(correlated(400, 1))
    Z = shuffled(correlated(rows, 2))
    alone = [familiarity.unfamiliar_row(z) for z in Z]
    assert familiarity.unfamiliar(Z).tolist() == alone


def test_rows_that_are_known_exactly_have_the_same_result_alone_and_in_a_batch() -> None:
    known = np.random.default_rng(8).integers(0, 3, (60, 4)).astype(float)
    familiarity = fitted(np.repeat(known, 20, axis=0))  # the radii are tiny
    Z = np.concatenate([known, known + 1e-7, known + 1e-4])
    alone = [familiarity.unfamiliar_row(z) for z in Z]
    assert not any(alone[: len(known)])
    assert familiarity.unfamiliar(Z).tolist() == alone


def test_rows_on_the_edge_of_a_ball_have_the_same_result_alone_and_in_a_batch() -> None:
    rng = np.random.default_rng(6)
    centres = rng.normal(size=(20, 5))
    directions = rng.normal(size=(20, 5))
    edge = centres + directions / np.linalg.norm(directions, axis=1)[:, None]
    familiarity = Familiarity(np.eye(5), centres * 100, np.ones(20))
    Z = np.repeat(edge - centres + centres * 100, 50, axis=0)
    alone = [familiarity.unfamiliar_row(z) for z in Z]
    assert 0 < sum(alone) < len(alone)  # rounding decides
    assert familiarity.unfamiliar(Z).tolist() == alone


@pytest.mark.parametrize(
    "value", [1e18, 1e19, 1e30, 1e37, 1e38, 1e39, 1e100, 1e200, 1e308, -1e308, np.inf, np.nan]
)
def test_a_row_at_an_extreme_distance_is_unfamiliar(value: float) -> None:
    familiarity = fitted(correlated(100, 1))
    Z = np.zeros((1, COLUMNS))
    Z[0, 2] = value
    assert familiarity.unfamiliar(Z).all()
    with np.errstate(all="ignore"):
        assert familiarity.unfamiliar_row(Z[0])


@pytest.mark.parametrize("rows", [1, 2, 5, 6])
def test_the_rows_of_a_tiny_table_are_familiar(rows: int) -> None:
    Z = correlated(rows, 1)
    assert not fitted(Z).unfamiliar(Z).any()


def test_constant_inputs_do_no_harm() -> None:
    Z = np.zeros((50, 2))
    familiarity = fitted(Z)
    assert not familiarity.unfamiliar(Z).any()
    assert familiarity.unfamiliar(Z + 1.0).all()


def test_many_inputs_are_projected_to_fewer_dimensions() -> None:
    Z = np.random.default_rng(7).normal(size=(400, MAX_DIMENSIONS + 50))
    Z[:, 1:] = 0.9 * Z[:, :1] + 0.4 * Z[:, 1:]
    familiarity = fitted(Z[:300])
    assert familiarity.projection.shape == (MAX_DIMENSIONS + 50, MAX_DIMENSIONS)
    assert familiarity.centres.size <= MAX_CENTRE_NUMBERS
    assert familiarity.unfamiliar(Z[300:]).mean() < 0.05
    assert familiarity.unfamiliar(shuffled(Z[300:])).mean() > 0.9


def test_the_same_seed_gives_the_same_arrays() -> None:
    Z = correlated(1_000, 1)
    first, second = fitted(Z, seed=1), fitted(Z, seed=1)
    for name in ("projection", "centres", "squared_radii"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


@pytest.mark.parametrize(
    ("projection", "centres", "squared_radii"),
    [
        (np.ones((3, 2)), np.ones((4, 3)), np.ones(4)),
        (np.ones((3, 2)), np.ones((4, 2)), np.ones(3)),
        (np.ones(3), np.ones((4, 2)), np.ones(4)),
        (np.ones((3, 2)), np.ones((0, 2)), np.ones(0)),
        (np.ones((3, 2)), np.ones((4, 2)), np.ones((4, 1))),
        (np.full((3, 2), np.nan), np.ones((4, 2)), np.ones(4)),
        (np.ones((3, 2)), np.full((4, 2), np.inf), np.ones(4)),
        (np.ones((3, 2)), np.ones((4, 2)), np.array([1.0, 1.0, -1.0, 1.0])),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    projection: Array, centres: Array, squared_radii: Array
) -> None:
    with pytest.raises(InputError):
        Familiarity(projection, centres, squared_radii)
