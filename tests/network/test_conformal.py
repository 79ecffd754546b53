"""Split conformal intervals: the order statistic, and the coverage."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Array, Calibration, InputError, LevelError
from network.conformal import MAX_SCORES


def scored(count: int, targets: int = 1, seed: int = 0) -> Calibration:
    rng = np.random.default_rng(seed)
    return Calibration.of(np.zeros((count, targets)), rng.normal(size=(count, targets)))


LEVELS = st.floats(0.0, 1.0, exclude_min=True, exclude_max=True)
PERMILLES = st.integers(1, 999).map(lambda permille: permille / 1000)


@given(count=st.integers(1, 300), level=PERMILLES, targets=st.integers(1, 3))
def test_half_widths_are_the_finite_sample_quantile(count: int, level: float, targets: int) -> None:
    calibration = scored(count, targets)
    rank = ceil(Fraction(str(level)) * (count + 1))
    if rank > count:
        with pytest.raises(LevelError, match=f"calibrated on {count} row"):
            calibration.half_widths(level)
        return
    q = calibration.half_widths(level)
    assert ((calibration.scores <= q).sum(axis=0) == rank).all()
    expected = np.quantile(calibration.scores, (rank - 0.5) / count, axis=0, method="inverted_cdf")
    assert q.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("count", "level", "rank"), [(9, 0.9, 9), (99, 0.07, 7), (9, 0.3, 3), (10, 0.3, 4), (1, 0.5, 1)]
)
def test_level_is_taken_in_decimal_notation(count: int, level: float, rank: int) -> None:
    calibration = Calibration(np.arange(1.0, count + 1)[:, None])
    assert calibration.half_widths(level).tolist() == [rank]


@given(count=st.integers(1, 50), levels=st.lists(LEVELS, min_size=2, max_size=2))
def test_higher_level_is_never_narrower(count: int, levels: list[float]) -> None:
    calibration = scored(count)
    low, high = sorted(min(level, calibration.highest_level) for level in levels)
    assert calibration.half_widths(low) <= calibration.half_widths(high)


@given(count=st.integers(1, 10_000))
def test_highest_level_takes_the_largest_score(count: int) -> None:
    calibration = scored(count)
    highest = calibration.highest_level
    assert calibration.half_widths(highest) == calibration.scores[-1]
    with pytest.raises(LevelError):
        calibration.half_widths(float(np.nextafter(highest, 1.0)))


def test_error_for_a_level_too_high_names_the_highest() -> None:
    with pytest.raises(LevelError, match=r"^level must be at most 0\.9756, .* on 40 rows$"):
        scored(40).half_widths(0.98)
    with pytest.raises(LevelError, match=r"^level must be at most 0\.5, .* on 1 row$"):
        scored(1).half_widths(0.6)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 7.0, float("nan"), float("inf")])
def test_level_outside_zero_and_one_is_refused(level: float) -> None:
    with pytest.raises(LevelError, match="level must be above 0 and below 1"):
        scored(40).half_widths(level)


def test_scores_are_absolute_residuals_in_order_target_by_target() -> None:
    Y_hat = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    Y = np.array([[4.0, 10.0], [1.0, 15.0], [3.0, 31.0]])
    calibration = Calibration.of(Y_hat, Y)
    assert calibration.scores.tolist() == [[0.0, 0.0], [1.0, 1.0], [3.0, 5.0]]
    assert len(calibration) == 3
    assert not calibration.scores.flags.writeable


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.ones(3), "shape"),
        (np.ones((0, 1)), "shape"),
        (np.ones((3, 0)), "shape"),
        ([[-1.0], [1.0]], "0 or more"),
        ([[1.0], [1.1e200]], r"up to 1e\+200"),
        ([[1.0], [np.inf]], "0 or more"),
        ([[1.0], [np.nan]], "0 or more"),
        ([[1.0, 2.0], [2.0, 1.0]], "ascend"),
    ],
    ids=str,
)
def test_invalid_scores_are_refused(scores: Array, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Calibration(scores)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("noise", ["normal", "standard_cauchy", "exponential"])
def test_intervals_cover_new_rows_with_their_level_for_any_noise(noise: str, level: float) -> None:
    """Over many calibrations: P(y within) = ⌈(n + 1)·level⌉/(n + 1), for scores without ties."""
    rng = np.random.default_rng(0)
    count, repeats = 37, 40_000
    draws = np.abs(getattr(rng, noise)(size=(count + 1, repeats)))
    *calibrating, fresh = draws
    # every repeat is a target of its own
    q = Calibration(np.sort(calibrating, axis=0)).half_widths(level)
    exact = ceil(Fraction(str(level)) * (count + 1)) / (count + 1)
    deviation = (exact * (1 - exact) / repeats) ** 0.5
    assert abs(float((fresh <= q).mean()) - exact) < 4 * deviation
    assert exact >= level


@given(count=st.integers(2, 300), level=PERMILLES)
def test_signed_scores_leave_the_same_share_of_rows_beyond_each_end(
    count: int, level: float
) -> None:
    residuals = np.random.default_rng(count).exponential(size=(count, 2)) - 3.0
    calibration = Calibration.of(np.zeros_like(residuals), residuals, signed=True)
    rank = ceil(Fraction(str(1 + level)) / 2 * (count + 1))
    if rank > count:
        with pytest.raises(LevelError, match=f"calibrated on {count} rows"):
            calibration.offsets(level)
        return
    lower, upper = calibration.offsets(level)
    assert ((residuals > upper).sum(axis=0) == count - rank).all()
    assert ((residuals < lower).sum(axis=0) == count - rank).all()


def test_the_highest_level_of_signed_scores_leaves_one_row_beyond_each_end() -> None:
    residuals = np.arange(9.0)[:, None]
    calibration = Calibration.of(np.zeros_like(residuals), residuals, signed=True)
    assert calibration.highest_level == 0.8
    assert calibration.offsets(0.8).tolist() == [[0.0], [8.0]]
    with pytest.raises(LevelError, match=r"at most 0\.8,"):
        calibration.offsets(0.81)


def test_one_signed_score_supports_no_level() -> None:
    calibration = Calibration(np.ones((1, 1)), signed=True)
    with pytest.raises(LevelError, match=r"at most 0\.0, .* on 1 row$"):
        calibration.offsets(0.01)


def test_absolute_scores_give_intervals_with_the_prediction_in_the_middle() -> None:
    calibration = scored(50, targets=2)
    lower, upper = calibration.offsets(0.9)
    assert lower.tobytes() == (-upper).tobytes()
    assert upper.tobytes() == calibration.half_widths(0.9).tobytes()


def test_scores_are_relative_to_the_scales() -> None:
    Y_hat, Y = np.zeros((2, 2)), np.array([[1.0, -8.0], [6.0, 2.0]])
    scale = np.array([[1.0, 2.0], [2.0, 4.0]])
    assert Calibration.of(Y_hat, Y, scale).scores.tolist() == [[1.0, 0.5], [3.0, 4.0]]
    signed = Calibration.of(Y_hat, Y, scale, signed=True)
    assert signed.scores.tolist() == [[1.0, -4.0], [3.0, 0.5]]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("count", [MAX_SCORES + 1, MAX_SCORES + 2_500, 60_000])
@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.999])
def test_intervals_from_kept_quantiles_contain_as_many_rows_as_those_from_all_scores(
    count: int, level: float, signed: bool
) -> None:
    residuals = np.random.default_rng(count).normal(size=(count, 1))
    calibration = Calibration.of(np.zeros_like(residuals), residuals, signed=signed)
    assert len(calibration) == MAX_SCORES
    lower, upper = calibration.offsets(level)
    for beyond in [residuals > upper, residuals < lower] if signed else [abs(residuals) > upper]:
        # for a new row; "≥" is the guarantee
        excluded = (int(beyond.sum()) + 1) / (count + 1)
        expected = (1 - level) / (2 if signed else 1)
        assert expected - 3 / MAX_SCORES <= excluded <= expected + 1e-12


def test_signed_scores_may_be_negative_but_not_too_large() -> None:
    assert len(Calibration(np.array([[-2.0], [1.0]]), signed=True)) == 2
    with pytest.raises(InputError, match="from -1e"):
        Calibration(np.array([[-1.1e200], [1.0]]), signed=True)
