"""Comparisons: cached fits, regressors on the same rows, and the printed bars."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from benchmarks.report import Verdicts
from benchmarks.tables.boosting import ConformalQuantiles, TunedBoosting
from benchmarks.tables.cache import Outcome, fitted
from benchmarks.tables.comparison import NUMNET, Comparison, Split, compare
from benchmarks.tables.datasets import DATASETS
from benchmarks.tables.numnet_fit import NumnetFit
from benchmarks.tables.printing import errors_table, intervals_table, summary_table
from benchmarks.tables.scores import within

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(120, 2))
Y = X[:, 0] + 0.1 * RNG.standard_normal(120)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Fit in one thread, because OpenMP's threads wait busily when a test runs beside others."""
    with threadpool_limits(1):
        yield


def test_a_second_fit_comes_from_the_folder(tmp_path: Path) -> None:
    first = fitted(tmp_path, Ridge(1.0), X, Y, X[:5])
    [file] = tmp_path.iterdir()
    np.savez(file, predicted=first.predicted + 1.0, seconds=7.0)
    again = fitted(tmp_path, Ridge(1.0), X, Y, X[:5])
    np.testing.assert_array_equal(again.predicted, first.predicted + 1.0)
    assert again.seconds == 7.0


def test_another_estimator_or_other_rows_are_fitted(tmp_path: Path) -> None:
    fitted(tmp_path, Ridge(1.0), X, Y, X[:5])
    fitted(tmp_path, Ridge(2.0), X, Y, X[:5])
    fitted(tmp_path, Ridge(1.0), X, Y, X[:6])
    fitted(tmp_path, Ridge(1.0), X[1:], Y[1:], X[:5])
    assert len(list(tmp_path.iterdir())) == 4


def test_tuned_boosting_keeps_the_best_number_of_trees() -> None:
    model = TunedBoosting(leaves=(4,), min_leaf_rows=(5,), learning_rate=0.3, trees=40).fit(X, Y)
    assert 1 < model.model_.n_iter_ < 40
    assert np.mean((model.predict(X) - X[:, 0]) ** 2) < np.var(X[:, 0]) / 4


def test_conformal_quantiles_cover_their_calibration_rows() -> None:
    model = ConformalQuantiles().fit(X, Y)
    order = np.random.default_rng(0).permutation(len(X))
    calibration = order[: len(X) // 3]
    covered = within(Y[calibration], model.predict(X[calibration])).mean()
    assert covered == pytest.approx(37 / 40)  # ⌈0.9·41⌉ of 40


@pytest.mark.slow
def test_a_table_is_compared_and_its_figures_repeat(tmp_path: Path) -> None:
    options = {"splits": 2, "rivals": ["linear"], "cache": tmp_path, "with_numnet": False}
    one = compare(DATASETS["penguins"], **options)  # type: ignore[arg-type]  # a dict of its own
    two = compare(DATASETS["penguins"], **options)  # type: ignore[arg-type]
    assert (one.rows, one.columns) == (342, 7)
    assert one.errors == two.errors
    assert list(one.errors) == ["linear"]
    assert np.mean(one.errors["linear"]) < 400.0


def comparison(numnet: float, rival: float, name: str = "table", width: float = 4.0) -> Comparison:
    """Return a comparison with two splits and regressors with these errors in every row."""
    y = np.arange(30.0)
    ours = NumnetFit(y + numnet, np.c_[y - width / 2, y + width / 2], 1.5)
    rivals = {"linear": Outcome(y + rival, 0.1), "Gaussian process": Outcome(y + 9.0, 0.1)}
    split = Split(y, rivals, Outcome(np.c_[y - 4.0, y + 4.0], 0.2), ours)
    return Comparison(name, 60, 3, (split, split))


def test_ratios_are_to_the_rival_of_the_least_error() -> None:
    found = comparison(numnet=1.0, rival=2.0)
    assert found.best_rival() == "linear"
    assert found.ratio("linear") == pytest.approx(0.5)
    assert found.score_ratio == pytest.approx(0.5)
    assert (found.coverage, found.coverage_of_thirds) == (1.0, (1.0, 1.0, 1.0))
    assert found.seconds[NUMNET] == 1.5


def test_bars_are_met_or_missed() -> None:
    verdicts = Verdicts()
    text = "\n".join(summary_table([comparison(1.0, 2.0), comparison(2.1, 2.0)], verdicts))
    assert "0.500 | ≤ 1.02 | met" in text
    assert "1.050 | ≤ 1.02 | MISSED" in text
    assert "geometric mean of the ratios: 0.725 (bar ≤ 0.98): met" in text
    assert verdicts.missed == 1


def test_a_gaussian_process_has_a_bar_of_its_own_on_friedman1() -> None:
    verdicts = Verdicts()
    text = "\n".join(summary_table([comparison(9.4, 9.3, "friedman1")], verdicts))
    assert "1.044 | ≤ 1.05, to the others ≤ 1.02 | met" in text


def test_intervals_that_cover_everything_miss_their_bars() -> None:
    verdicts = Verdicts()
    [line] = [each for each in intervals_table([comparison(1.0, 2.0)], verdicts) if "0.500" in each]
    assert line == "| table | 100.0% | MISSED | 100.0% | 100.0% | 100.0% | MISSED | 0.500 | met |"


def test_a_refused_table_is_printed_with_its_reason() -> None:
    done = comparison(1.0, 2.0)
    splits = tuple(Split(each.y, each.rivals, each.quantiles, None) for each in done.splits)
    refused = Comparison("table", 60, 3, splits, "line 2, column a: 'x' is not a number")
    assert "numnet refuses the table: line 2" in "\n".join(errors_table(refused))
    verdicts = Verdicts()
    assert "| refused | linear | 2 ± 0 | | | MISSED" in "\n".join(
        summary_table([refused], verdicts)
    )
