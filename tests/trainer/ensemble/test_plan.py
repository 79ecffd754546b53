"""Plans: smaller ones for large tables and short time limits."""

import math

import pytest

from trainer.ensemble.plan import EPOCH_ROWS, JUDGED_ROWS, MAX_RAMPS, make_plan


@pytest.mark.parametrize(("rows", "members"), [(200, 12), (2000, 12), (10_000, 8), (10**7, 5)])
def test_larger_tables_have_fewer_members(rows: int, members: int) -> None:
    plan = make_plan(rows, 10, 10)
    assert plan.folds * plan.partitions == members
    assert len(plan.notes) == (rows > EPOCH_ROWS) + (rows > JUDGED_ROWS)


def test_a_short_time_limit_has_fewer_members_and_says_so() -> None:
    seconds = (math.inf, 4.0, 2.0, 1.0, 0.1)
    plans = [make_plan(2000, 10, 10, limit) for limit in seconds]
    sizes = [(plan.partitions, plan.folds, plan.bins) for plan in plans]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == (2, 6, 64)
    assert sizes[-1] == (1, 3, 16)
    assert plans[0].notes == ()
    assert plans[-1].notes == (
        "no Gaussian process, to train within 0.1 s",
        "1 instead of 2 partitions, to train within 0.1 s",
        "5 instead of 6 folds, to train within 0.1 s",
        "16 instead of 64 bins, to train within 0.1 s",
        "3 instead of 5 folds, to train within 0.1 s",
    )


def test_a_million_rows_keep_their_folds_in_a_minute() -> None:
    assert make_plan(10**6, 10, 10, 60.0).folds == 5


def test_a_long_epoch_has_a_part_of_the_rows() -> None:
    plan = make_plan(50_000, 50, 50, 60.0)
    assert plan.epoch_rows < 50_000
    assert plan.folds == 5
    assert plan.notes == (
        f"an epoch of a network has {plan.epoch_rows} rows drawn at random, not all 50000",
    )


def test_many_inputs_share_a_limited_number_of_ramps() -> None:
    assert make_plan(5000, 500, 500).bins == MAX_RAMPS // 500


def test_too_many_inputs_have_no_ramps() -> None:
    assert make_plan(5000, 5000, 5000).bins == 0


def test_epochs_of_large_tables_have_a_part_of_the_rows() -> None:
    assert make_plan(10**6).epoch_rows == EPOCH_ROWS
