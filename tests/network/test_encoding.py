"""Inputs computed from numbers, categories, dates and gaps."""

import numpy as np
import pytest

from network import Architecture, Array, Column, Encoding, InputError, Model, Scaling
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE

ENCODING = Encoding.of(
    3,
    [
        (0, SCALED, 5.0, 2.0),
        (0, MISSING, 0.0, 1.0),
        (1, EQUALS, 0.0, 1.0),
        (1, EQUALS, 1.0, 1.0),
        (2, SINE, 1.0, 4.0),
        (2, COSINE, 1.0, 4.0),
    ],
)
COLUMNS = (Column("x", has_gaps=True), Column("colour", "category", ("a", "b")), Column("day"))


def rows(count: int) -> Array:
    rng = np.random.default_rng(0)
    X = np.stack(
        [rng.normal(size=count), rng.integers(-1, 2, count), rng.uniform(0, 1e6, count)], axis=1
    )
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


def test_each_operation() -> None:
    X = np.array([[9.0, 1.0, 2.0], [np.nan, 0.0, 1.0], [5.0, -1.0, np.nan]])
    expected = [[2, 0, 0, 1, 1, 0], [0, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0]]
    np.testing.assert_allclose(ENCODING.encode(X), expected, atol=1e-15)


def test_centred_inputs_have_mean_zero_and_missing_numbers_are_at_the_mean() -> None:
    X = rows(1000)
    Z = ENCODING.centred(X).encode(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(Z[np.isnan(X[:, 0]), 0], 0.0, atol=0.1)


def test_continuous_inputs_are_the_scaled_columns() -> None:
    assert ENCODING.continuous.tolist() == [True, False, False, False, False, False]


def test_a_row_has_the_same_bits_in_any_batch() -> None:
    X = rows(1000)
    Z = ENCODING.encode(X)
    for start in range(100):
        for size in (1, 2, 7, 900):
            part = slice(start, start + size)
            assert ENCODING.encode(X[part]).tobytes() == Z[part].tobytes()


def test_a_model_with_an_encoding_predicts_what_one_on_its_inputs_predicts() -> None:
    architecture = Architecture((6, 5, 1))
    theta = np.random.default_rng(1).normal(size=architecture.parameters)
    parts = (architecture, theta, Scaling(np.zeros(6), np.ones(6)), Scaling(np.ones(1), np.ones(1)))
    X = rows(300)
    model = Model(*parts, COLUMNS, ("y",), np.zeros((2, 3)), ENCODING)
    inputs = tuple(Column(f"z{index}") for index in range(6))
    base = Model(*parts, inputs, ("y",), np.zeros((2, 6)))
    Y = model.predict(X)
    assert np.isfinite(Y).all()
    assert Y.tobytes() == base.predict(ENCODING.encode(X)).tobytes()
    assert [model.predict_row(row) for row in X.tolist()] == Y.tolist()
    assert model.unseen(X)[:, 1].tolist() == (X[:, 1] == -1).tolist()
    for row in (X[0, :2].tolist(), [*X[0].tolist(), 0.0]):
        with pytest.raises(ValueError, match=f"the row has {len(row)} values; expected 3"):
            model.predict_row(row)


@pytest.mark.parametrize(
    "parts",
    [
        ([0.0], [0.0], [0.0], [0.0]),
        ([0.0], [0.0], [np.nan], [1.0]),
        ([1.0], [0.0], [0.0], [1.0]),
        ([0.5], [0.0], [0.0], [1.0]),
        ([0.0], [9.0], [0.0], [1.0]),
        ([0.0], [0.0, 0.0], [0.0], [1.0]),
    ],
)
def test_wrong_parts_are_refused(parts: tuple[list[float], ...]) -> None:
    column, operation, shift, scale = map(np.array, parts)
    with pytest.raises(InputError):
        Encoding(1, column, operation, shift, scale, np.zeros(len(column)))
