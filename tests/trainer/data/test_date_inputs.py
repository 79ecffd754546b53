"""The choice of a date's inputs."""

import numpy as np
import pytest

from network import Array, Column
from network.encoding import COSINE, SCALED, SINE
from trainer.data.date_inputs import choose_date_inputs, leave_one_out_error
from trainer.data.input_encoding import fit_encoding

COLUMNS = (Column("x"), Column("t", "datetime"))
RNG = np.random.default_rng(0)
DAYS = np.sort(RNG.uniform(0.0, 1500.0, 2000))
X = np.column_stack([RNG.normal(size=len(DAYS)), DAYS])
NOISE = RNG.normal(0.0, 0.3, len(DAYS))


def chosen(y: Array) -> tuple[list[float], str]:
    """Return the periods of the seasons that are kept, 0 for a trend, and what was left out."""
    encoding, notes = choose_date_inputs(COLUMNS, fit_encoding(COLUMNS, X), X, y[:, None])
    kept = [
        0.0 if operation == SCALED else float(scale)
        for column, operation, scale in zip(
            encoding.column, encoding.operation, encoding.scale, strict=True
        )
        if column == 1 and operation in (SCALED, SINE, COSINE)
    ]
    return sorted({*kept}), "; ".join(notes)


def test_a_weekly_season_is_found_and_the_rest_is_left_out() -> None:
    kept, notes = chosen(X[:, 0] + np.sin(2 * np.pi * DAYS / 7) + NOISE)
    assert kept == [7 / 3, 7 / 2, 7.0]
    for text in ("the trend of 't'", "the time of year in 't'", "the time of day in 't'"):
        assert f"{text} carries no signal" in notes
    assert "week" not in notes


def test_a_trend_and_the_time_of_day_are_found() -> None:
    kept, _ = chosen(DAYS / 500 + np.cos(2 * np.pi * DAYS * 2) + NOISE)
    assert kept == [0.0, 1 / 4, 1 / 3, 1 / 2, 1.0]


def test_a_date_without_signal_has_no_inputs() -> None:
    assert chosen(X[:, 0] + NOISE)[0] == []


def test_the_only_column_keeps_inputs() -> None:
    only = (Column("t", "datetime"),)
    encoding = fit_encoding(only, X[:, 1:])
    assert choose_date_inputs(only, encoding, X[:, 1:], NOISE[:, None])[0].inputs > 0


def test_the_leave_one_out_error_is_that_of_refitting_without_each_row() -> None:
    Z = RNG.normal(size=(30, 3))
    y = Z @ [1.0, -2.0, 0.5] + RNG.normal(size=30)
    errors = []
    for row in range(30):
        others = np.arange(30) != row
        mean = Z[others].mean(axis=0)
        slopes = np.linalg.lstsq(Z[others] - mean, y[others] - y[others].mean(), rcond=None)[0]
        errors.append(y[row] - y[others].mean() - (Z[row] - mean) @ slopes)
    expected = np.square(errors).mean() / y.var()
    assert leave_one_out_error(Z, y[:, None], np.array([1e-12])) == pytest.approx(expected)
