"""Which model is retrained at which times."""

import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry import LocalStorage, Models, StorageError
from tests.trainer.jobs.schedule.conftest import DEFAULT, Promote
from tests.trainer.linear_models import linear_model
from trainer.data.synthetic import SYNTHETIC
from trainer.jobs.schedule.timetable import Timetable

NIGHTLY, HOURLY = "0 3 * * *", "0 * * * *"


def test_setting_applies_to_the_default_and_to_models_of_tables(
    models: Models, promote: Promote
) -> None:
    timetable = Timetable(NIGHTLY, models)
    assert timetable.read() == {DEFAULT: NIGHTLY}  # also before there is a version
    promote(DEFAULT, source=SYNTHETIC)
    promote("plant")
    promote("example", source=SYNTHETIC)
    assert timetable.read() == {DEFAULT: NIGHTLY, "plant": NIGHTLY}
    assert Timetable("", models).read() == {}


def test_schedule_of_a_model_replaces_the_setting(models: Models, promote: Promote) -> None:
    promote(DEFAULT, every="never")
    promote("plant", every=HOURLY)
    promote("pump", every="never")
    promote("example", every=HOURLY, source=SYNTHETIC)
    own = {"plant": HOURLY, "example": HOURLY}
    assert Timetable(NIGHTLY, models).read() == own
    assert Timetable("", models).read() == own


@pytest.mark.parametrize("every", ["daily", 3, [HOURLY], {}])
def test_unusable_schedule_in_a_card_is_ignored(
    models: Models, promote: Promote, every: Any
) -> None:
    promote("plant", every=every)
    assert Timetable(NIGHTLY, models).read()["plant"] == NIGHTLY


def test_new_changed_and_deleted_models_are_followed(
    models: Models, promote: Promote, tmp_path: Path
) -> None:
    timetable = Timetable("", models)
    assert timetable.read() == {}
    promote("plant", every=HOURLY)
    assert timetable.read() == {"plant": HOURLY}
    promote("plant", every=NIGHTLY)
    promote("pump", every=HOURLY)
    assert timetable.read() == {"plant": NIGHTLY, "pump": HOURLY}
    shutil.rmtree(tmp_path / "models" / "pump")
    assert timetable.read() == {"plant": NIGHTLY}
    promote("plant")
    assert timetable.read() == {}


def test_published_version_counts_once_it_is_promoted(models: Models, promote: Promote) -> None:
    promote("plant", every=HOURLY)
    timetable = Timetable(NIGHTLY, models)
    assert timetable.read()["plant"] == HOURLY
    registry = models.registry("plant")
    card = {"recipe": {"asked": {"every": NIGHTLY}}, "data": {"source": "table.csv"}}
    registry.publish(linear_model(np.ones((2, 1))), card, np.zeros((1, 2)))
    assert timetable.read()["plant"] == HOURLY
    registry.promote(2, by="tests", reason="", at=datetime.now(UTC))
    assert timetable.read()["plant"] == NIGHTLY


def test_unchanged_models_cost_one_stat_each(
    models: Models, promote: Promote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"model-{number}" for number in range(5)]
    for name in (DEFAULT, *names):
        promote(name, every=HOURLY)
    for folder in (tmp_path / "models").rglob("promotions"):
        os.utime(folder, (1e9, 1e9))  # later than the tick of the file system's clock
    timetable = Timetable("", models)
    expected = dict.fromkeys((DEFAULT, *names), HOURLY)
    assert timetable.read() == expected
    calls: Counter[str] = Counter()

    def count(function: str) -> None:
        original = getattr(os, function)

        def counted(*given: Any, **named: Any) -> Any:
            calls[function] += 1
            return original(*given, **named)

        monkeypatch.setattr(os, function, counted)

    for function in ("stat", "scandir", "open"):
        count(function)
    assert timetable.read() == expected
    monkeypatch.undo()
    assert calls == {"stat": len(expected), "scandir": 1}


def test_model_that_cannot_be_read_keeps_its_schedule_until_it_can(
    models: Models,
    promote: Promote,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote("plant", every=HOURLY)
    promote("pump", every=HOURLY)
    timetable = Timetable("", models)
    assert timetable.read() == {"plant": HOURLY, "pump": HOURLY}
    promote("plant", every=NIGHTLY)
    promote("pump", every=NIGHTLY)
    read = LocalStorage.read

    def fails_for_plant(self: LocalStorage, key: str) -> bytes | None:
        if self.root.name == "plant":
            raise StorageError("the disk is broken")
        return read(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "read", fails_for_plant)
        assert timetable.read() == {"plant": HOURLY, "pump": NIGHTLY}
    assert caplog.messages == ["the schedule of model plant cannot be read: the disk is broken"]
    assert timetable.read() == {"plant": NIGHTLY, "pump": NIGHTLY}


def test_folder_that_cannot_be_looked_at_is_logged_once_and_leaves_the_others(
    models: Models,
    promote: Promote,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote("plant", every=HOURLY)
    promote("pump", every=HOURLY)
    generation = LocalStorage.generation

    def fails_for_plant(self: LocalStorage) -> object:
        if self.root.name == "plant":
            raise StorageError("Permission denied")
        return generation(self)

    timetable = Timetable("", models)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "generation", fails_for_plant)
        for _ in range(3):
            assert timetable.read() == {"pump": HOURLY}
    assert caplog.messages == ["the schedule of model plant cannot be read: Permission denied"]
    assert timetable.read() == {"plant": HOURLY, "pump": HOURLY}


def test_damaged_model_breaks_its_own_schedule_alone(
    models: Models, promote: Promote, tmp_path: Path
) -> None:
    promote("plant", every=HOURLY)
    promote("pump", every=HOURLY)
    (tmp_path / "models" / "plant" / "1.npz").write_bytes(b"damaged")
    assert Timetable("", models).read() == {"pump": HOURLY}
