"""The scenarios of `make bench-live`, at a smaller size."""

import os
from pathlib import Path

import pytest

from benchmarks.installation import Installation
from benchmarks.reliability.scenarios import (
    bad_candidates,
    promotions,
    retrainings,
    server_kills,
    several_models,
    shared_database,
    simultaneous_jobs,
    storage_faults,
    trainer_kills,
    watchers,
)
from benchmarks.reliability.scenarios.versions import SUCCEEDED


def test_promotions_and_rollbacks_under_load(tmp_path: Path) -> None:
    seen = promotions.run(tmp_path, 30, connections=8)
    assert seen.requests > 30
    assert (seen.failed, seen.mismatched, seen.stale) == (0, 0, 0)


def test_retraining_is_promoted_under_load(tmp_path: Path) -> None:
    seen = retrainings.run(tmp_path, turns=1, seconds=1.5)
    assert seen.requests > 100
    assert seen.failed == 0
    assert seen.notes == {"versions": 2, "mismatched": 0}


def test_three_models_are_changed_and_retrained_under_load(tmp_path: Path) -> None:
    seen = several_models.run(tmp_path, changes=15, seconds=1.5, connections=4)
    assert min(seen.requests.values()) > 15
    assert (seen.failed, seen.mismatched, seen.stale) == (0, 0, 0)
    assert seen.states == ["promoted"] * 3
    assert seen.trained == {"numnet": 1, "pump": 1, "valve": 1}


def test_watchers_under_load(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        seen = watchers.run(installation, count=40, turns=1, seconds=1.5)
    assert seen.failed == 0
    assert seen.notes["events"] >= 40 * 2


def test_only_requests_in_flight_on_a_killed_process_fail_and_none_during_a_graceful_stop(
    tmp_path: Path,
) -> None:
    seen = server_kills.run(tmp_path, 2, connections=8)
    assert seen.answered_at_stop > 0
    assert (seen.other, seen.failed_at_stop, seen.exit_code) == (0, 0, 0)


def test_jobs_survive_kills_of_the_trainer(tmp_path: Path) -> None:
    seen = trainer_kills.run(tmp_path, 3, seconds=3.0)
    assert set(seen.states) <= set(SUCCEEDED)
    assert seen.versions_per_job == [1, 1, 1]
    assert seen.refused == 0
    assert max(seen.attempts) > 1


@pytest.mark.skipif(
    os.geteuid() != 0 and "CI" not in os.environ, reason="mounts a file system, which needs root"
)
def test_models_folder_full_read_only_or_deleted(tmp_path: Path) -> None:
    seen = storage_faults.run(tmp_path)
    assert seen.failed == 0
    answers = seen.answers
    for state in ("at first", "space again", "writable again", "restored"):
        assert answers[f"{state}: a retraining"].endswith(": published")
        assert answers[f"{state}: a promotion"] == "200 "
    assert answers["full: a retraining"].endswith("No space left on device")
    assert answers["read-only: a retraining"].endswith("Read-only file system")
    for state in ("full", "read-only"):
        assert answers[f"{state}: a promotion"].startswith("503 the models folder is unavailable: ")
    assert answers["deleted: a retraining"].endswith("has no usable version")
    assert answers["deleted: a promotion"].startswith("503 the models folder is unavailable")
    assert answers["deleted: readyz"] == "200"


def test_bad_candidates_are_never_promoted(tmp_path: Path) -> None:
    seen = bad_candidates.run(tmp_path)
    assert len(seen.outcomes) == 4
    for fault, outcome in seen.outcomes.items():
        assert seen.is_expected(fault), outcome
    assert seen.current == "2"


def test_one_of_simultaneous_jobs_is_accepted(tmp_path: Path) -> None:
    assert simultaneous_jobs.run(tmp_path, 20) == {202: 1, 409: 19}


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_two_services_and_two_trainers_share_a_postgresql(tmp_path: Path) -> None:
    seen = shared_database.run(tmp_path, 3)
    assert set(seen.states) <= set(SUCCEEDED)
    assert (seen.most_at_once, seen.trainers) == (1, 2)
    assert seen.versions_per_job == [1, 1, 1]
    assert len(seen.seconds_to_current) == 3
