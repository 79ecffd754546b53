"""The inputs of a network that are computed from a table's columns."""

import numpy as np
import pytest

from network import UNSEEN, Array, Column
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE
from trainer.data.input_encoding import LEAST_COUNT, MOST_VALUES, fit_encoding

NAN = float("nan")
NUMBER, CATEGORY = Column("x"), Column("c", "category", ("a", "b", "c", "d"))
DAY = Column("t", "datetime")


def column(*values: float) -> Array:
    return np.array(values)[:, None]


def test_numbers_are_scaled_to_mean_0_and_deviation_1() -> None:
    X = np.random.default_rng(0).normal(5.0, 3.0, (1000, 1))
    Z = fit_encoding([NUMBER], X).encode(X)
    assert Z.mean() == pytest.approx(0.0, abs=1e-12)
    assert Z.std() == pytest.approx(1.0)


def test_a_missing_number_has_the_mean_and_says_so() -> None:
    X = column(1.0, NAN, 3.0, NAN)
    encoding = fit_encoding([Column("x", has_gaps=True)], X)
    assert encoding.operation.tolist() == [SCALED, MISSING]
    np.testing.assert_allclose(encoding.encode(X), [[-1, -0.5], [0, 0.5], [1, -0.5], [0, 0.5]])


def test_frequent_values_of_a_category_have_inputs_and_rare_and_unseen_ones_share_none() -> None:
    X = column(*[0.0] * 5, *[1.0] * LEAST_COUNT, *[2.0] * (LEAST_COUNT - 1), 3.0)
    encoding = fit_encoding([CATEGORY], X)
    assert encoding.operation.tolist() == [EQUALS, EQUALS]
    assert encoding.shift.tolist() == [0.0, 1.0]
    rare, unseen = encoding.encode(column(2.0, UNSEEN))
    assert rare.tolist() == unseen.tolist()
    np.testing.assert_allclose(encoding.encode(X).mean(axis=0), 0.0, atol=1e-15)


def test_the_most_frequent_values_have_inputs() -> None:
    many = Column("c", "category", tuple(map(str, range(2 * MOST_VALUES))))
    counts = LEAST_COUNT + np.arange(2 * MOST_VALUES)
    encoding = fit_encoding([many], np.repeat(np.arange(2.0 * MOST_VALUES), counts)[:, None])
    assert encoding.shift.tolist() == list(range(MOST_VALUES, 2 * MOST_VALUES))


def test_a_date_has_a_trend_and_the_seasons_that_the_dates_cover() -> None:
    def operations(days: Array) -> list[int]:
        return [int(each) for each in fit_encoding([DAY], days[:, None]).operation]

    assert operations(np.arange(5.0)) == [SCALED]
    assert operations(np.arange(30.0)) == [SCALED] + [SINE, COSINE] * 3
    assert operations(np.arange(800.0)) == [SCALED] + [SINE, COSINE] * 5
    assert operations(np.arange(0.0, 3.0, 0.25)) == [SCALED] + [SINE, COSINE] * 4


def test_columns_without_any_or_with_equal_numbers_have_finite_inputs() -> None:
    X = np.array([[NAN, 7.0], [NAN, 7.0]])
    Z = fit_encoding([Column("x", has_gaps=True), Column("y")], X).encode(X)
    assert np.isfinite(Z).all()
    assert not Z.any()


def test_categories_without_a_frequent_value_have_one_input() -> None:
    columns = [Column("c", "category", tuple(map(str, range(9))))]
    assert fit_encoding(columns, np.arange(9.0)[:, None]).inputs == 1
