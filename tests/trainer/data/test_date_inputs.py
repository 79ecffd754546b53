"""The choice of a date's inputs."""

import numpy as np
import pytest

from network import Array, Column, Huber, Loss, Quantile, Rows, Squared
from network.encoding import COSINE, SCALED, SINE
from trainer.data.date_inputs import choose_date_inputs, leave_one_out_error
from trainer.data.input_encoding import fit_encoding

COLUMNS = (Column("x"), Column("t", "datetime"))
RNG = np.random.default_rng(0)
DAYS = np.sort(RNG.uniform(0.0, 1500.0, 2000))
X = np.column_stack([RNG.normal(size=len(DAYS)), DAYS])
NOISE = RNG.normal(0.0, 0.3, len(DAYS))


def chosen(
    y: Array,
    weights: Array | None = None,
    loss: Loss = Squared(),  # noqa: B008
) -> tuple[list[float], str]:
    """Return the periods of the seasons that are kept, 0 for a trend, and what was left out."""
    rows = Rows(X, y[:, None], weights)
    encoding, notes = choose_date_inputs(COLUMNS, fit_encoding(COLUMNS, X), rows, loss)
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
    rows = Rows(X[:, 1:], NOISE[:, None])
    assert choose_date_inputs(only, encoding, rows, Squared())[0].inputs > 0


@pytest.mark.parametrize("light", [0, 1])
def test_rows_of_little_weight_do_not_decide(light: int) -> None:
    season = np.sin(2 * np.pi * DAYS / 7)
    parity = np.arange(len(DAYS)) % 2
    weights = np.where(parity == light, 1e-6, 1.0)
    kept, _ = chosen(X[:, 0] + np.where(parity == 0, season, 0.0) + NOISE, weights)
    assert (7.0 in kept) == (light == 1)


def test_outliers_do_not_hide_a_season_from_a_robust_loss() -> None:
    outliers = np.zeros(len(DAYS))
    outliers[:: len(DAYS) // 20] = 1e4 * RNG.normal(size=20)
    y = X[:, 0] + np.sin(2 * np.pi * DAYS / 7) + NOISE + outliers
    assert 7.0 not in chosen(y)[0]
    for loss in (Huber(), Quantile(0.5)):
        kept, notes = chosen(y, loss=loss)
        assert kept == [7 / 3, 7 / 2, 7.0], notes


def test_a_season_of_the_spread_is_found_for_a_quantile() -> None:
    y = X[:, 0] + NOISE * np.exp(np.sin(2 * np.pi * DAYS / 7))
    assert 7.0 not in chosen(y)[0]
    assert 7.0 in chosen(y, loss=Quantile(0.9))[0]
    assert 7.0 not in chosen(X[:, 0] + NOISE, loss=Quantile(0.9))[0]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_leave_one_out_error_is_that_of_refitting_without_each_row(weighted: bool) -> None:
    Z = RNG.normal(size=(30, 3))
    y = Z @ [1.0, -2.0, 0.5] + RNG.normal(size=30)
    w = RNG.uniform(0.5, 3.0, 30) if weighted else np.ones(30)
    errors = []
    for row in range(30):
        others = np.arange(30) != row
        root, mean = np.sqrt(w[others]), w[others] @ Z[others] / w[others].sum()
        middle = w[others] @ y[others] / w[others].sum()
        A, b = root[:, None] * (Z[others] - mean), root * (y[others] - middle)
        slopes = np.linalg.lstsq(A, b, rcond=None)[0]
        errors.append(y[row] - middle - (Z[row] - mean) @ slopes)
    variance = np.average((y - np.average(y, weights=w)) ** 2, weights=w)
    expected = np.average(np.square(errors), weights=w) / variance
    found = leave_one_out_error(Z, y[:, None], w if weighted else None, np.array([1e-12]))
    assert found == pytest.approx(expected)
