"""The scenarios of `make bench-live`, at a smaller size."""

import os
from pathlib import Path

import pytest

from benchmarks.reliability import scenarios


def test_promotions_and_rollbacks_under_load(tmp_path: Path) -> None:
    seen = scenarios.promotions(tmp_path, 30, connections=8)
    assert seen.requests > 30
    assert (seen.failed, seen.mismatched, seen.stale) == (0, 0, 0)


def test_a_retraining_goes_live_under_load(tmp_path: Path) -> None:
    seen = scenarios.retrainings(tmp_path, turns=1, seconds=1.5)
    assert seen.requests > 100
    assert seen.failed == 0
    assert seen.notes == {"versions": 2, "mismatched": 0}


def test_watchers_under_load(tmp_path: Path) -> None:
    seen = scenarios.watchers(tmp_path, count=40, turns=1, seconds=1.5)
    assert seen.failed == 0
    assert seen.notes["events received"] >= 40 * 2


def test_only_what_was_in_flight_on_a_killed_worker_fails_and_a_stop_fails_nothing(
    tmp_path: Path,
) -> None:
    seen = scenarios.service_kills(tmp_path, 2, connections=8)
    assert seen.answered_at_stop > 0
    assert (seen.other, seen.failed_at_stop, seen.exit_code) == (0, 0, 0)


def test_jobs_outlive_their_workers(tmp_path: Path) -> None:
    seen = scenarios.worker_kills(tmp_path, 3, seconds=3.0)
    assert set(seen.states) <= set(scenarios.ENDED_WELL)
    assert seen.versions_per_job == [1, 1, 1]
    assert seen.refused == 0
    assert max(seen.attempts) > 1


@pytest.mark.skipif(
    os.geteuid() != 0 and "CI" not in os.environ, reason="mounts a file system, as root can"
)
def test_the_models_folder_full_read_only_or_gone(tmp_path: Path) -> None:
    seen = scenarios.storage_faults(tmp_path)
    assert seen.failed == 0
    said = seen.said
    for state in ("at first", "space again", "writable again", "restored"):
        assert said[f"{state}: a retraining"].endswith(": published")
        assert said[f"{state}: a promotion"] == "200 "
    assert said["full: a retraining"].endswith("No space left on device")
    assert said["read-only: a retraining"].endswith("Read-only file system")
    for state in ("full", "read-only"):
        assert said[f"{state}: a promotion"].startswith(
            "503 the folder of models cannot be used at the moment: "
        )
    assert said["deleted: a retraining"].endswith("has no version in use any more")
    assert said["deleted: a promotion"].startswith("503 the folder of models cannot be used")
    assert said["deleted: readyz"] == "200"


def test_bad_candidates_never_go_live(tmp_path: Path) -> None:
    seen = scenarios.bad_candidates(tmp_path)
    assert "the file is damaged" in seen.said["corrupted"]
    assert seen.said["NaN"] == "failed: weights_0 holds numbers that are not finite"
    assert seen.said["other features"].startswith("kept_back: its features are p, q, r, s and ")
    assert seen.said["none"].startswith("promoted: ")
    assert seen.live == "2"


def test_of_simultaneous_requests_one_is_accepted(tmp_path: Path) -> None:
    assert scenarios.simultaneous(tmp_path, 20).statuses == {202: 1, 409: 19}


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_two_services_and_two_workers_share_a_postgresql(tmp_path: Path) -> None:
    seen = scenarios.shared_database(tmp_path, 3)
    assert set(seen.states) <= set(scenarios.ENDED_WELL)
    assert (seen.most_at_once, seen.workers) == (1, 2)
    assert seen.versions_per_job == [1, 1, 1]
    assert len(seen.seconds_to_live) == 3
