"""Permutation importance: features that matter, features that do not, and units."""

import numpy as np
import pytest

from network import Array, Rows
from trainer.errors import Interrupted
from trainer.evaluation.permutation_importance import (
    MAX_FEATURES,
    MAX_PREDICTIONS,
    MAX_ROWS,
    REPEATS,
    importance_rows,
    permutation_importance,
    pinball_loss,
)

FEATURES, TARGETS = {0: "a", 1: "b", 2: "c"}, ("y", "z")


def truth(X: Array) -> Array:
    return np.column_stack([4.0 * X[:, 0] + X[:, 2], 100.0 * X[:, 2]])


def rows(count: int = 2_000, *, weighted: bool = False) -> Rows:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(count, 3))
    weights = rng.uniform(0.5, 2.0, count) if weighted else None
    return Rows(X, truth(X) + 0.5 * rng.normal(size=(count, 2)), weights)


def increases(data: Rows, seed: int = 0) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    found = permutation_importance(truth, data, FEATURES, TARGETS, rng=rng)
    assert (found["rows"], found["repeats"]) == (len(data), REPEATS)
    increases: dict[str, dict[str, float]] = found["increases"]
    return increases


def test_the_increase_is_in_the_units_of_the_target_and_the_greatest_comes_first() -> None:
    found = increases(rows())
    assert [list(each) for each in found.values()] == [["a", "c", "b"], ["c", "a", "b"]]
    # a permuted feature is independent of the target: its part has twice its variance
    assert found["y"]["a"] == pytest.approx((2.0 * 16.0 + 0.25) ** 0.5 - 0.5, rel=0.05)
    assert found["z"]["c"] == pytest.approx((2.0 * 100.0**2 + 0.25) ** 0.5 - 0.5, rel=0.05)


def test_a_feature_that_predictions_do_not_use_has_no_importance() -> None:
    found = increases(rows())
    assert found["y"]["b"] == found["z"]["a"] == found["z"]["b"] == 0.0


def test_rows_of_more_weight_count_more() -> None:
    assert increases(rows(weighted=True))["y"] != increases(rows())["y"]
    data = rows(50)
    doubled = Rows(data.X, data.Y, np.full(50, 2.0))
    assert increases(doubled)["y"] == pytest.approx(increases(data)["y"])


def test_the_same_random_numbers_give_the_same_importance() -> None:
    assert increases(rows(50), seed=3) == increases(rows(50), seed=3)
    assert increases(rows(50), seed=3) != increases(rows(50), seed=4)


def test_only_the_features_that_are_named_are_permuted() -> None:
    rng = np.random.default_rng(0)
    found = permutation_importance(truth, rows(50), {2: "c"}, TARGETS, rng=rng)
    assert [list(each) for each in found["increases"].values()] == [["c"], ["c"]]
    assert found["increases"]["z"]["c"] > 50.0


def test_the_rows_remain_unchanged() -> None:
    data = rows(50)
    before = data.X.tobytes()
    increases(data)
    assert data.X.tobytes() == before


def test_the_pinball_loss_costs_most_below_a_high_quantile() -> None:
    cost = pinball_loss(0.9)
    assert cost(np.array([-1.0]), None) == pytest.approx(0.9)
    assert cost(np.array([1.0]), None) == pytest.approx(0.1)
    assert cost(np.array([-1.0, 1.0]), np.array([1.0, 3.0])) == pytest.approx(0.3)


@pytest.mark.parametrize("features", [1, 13, MAX_FEATURES, 100_000])
@pytest.mark.parametrize("count", [5, 500, 1_000_000])
def test_the_number_of_predictions_is_bounded(count: int, features: int) -> None:
    found = importance_rows(count, features)
    assert min(count, 100) <= found <= min(count, MAX_ROWS)
    assert found * min(features, MAX_FEATURES) * REPEATS <= MAX_PREDICTIONS


def test_a_poll_can_stop_it() -> None:
    def poll() -> None:
        raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        permutation_importance(
            truth, rows(10), FEATURES, TARGETS, rng=np.random.default_rng(0), poll=poll
        )
