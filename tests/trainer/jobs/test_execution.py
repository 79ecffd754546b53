"""The work of one job, in the process of the tests, and what it leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from registry import Models, Registry, StorageError
from tests.single_network import network
from tests.trainer.installation import TINY
from trainer.data.synthetic import synthetic_table
from trainer.errors import DataError, Interrupted, TrainingFailed
from trainer.jobs.execution import Retraining
from trainer.jobs.progress import JobProgress
from trainer.jobs.request import Request
from trainer.training import identity
from trainer.training.training import train

FORCED = TINY | {"force": True}
LONG = TINY | {"solver": "adam", "epochs": 300, "patience": 300, "max_seconds": 60.0}


class Phases(JobProgress):
    """Records every phase, and calls a hook when one begins."""

    def __init__(self, hook: Callable[[str], object] = lambda phase: None) -> None:
        super().__init__("tests", 1)
        self.phases: list[str] = []
        self._hook = hook

    def enter(self, phase: str) -> None:
        super().enter(phase)
        self.phases.append(phase)
        self._hook(phase)


class Interruption:
    """Interrupts the work at a given phase, or after a number of epochs."""

    def __init__(self, *, phase: str = "", epoch: int = 0) -> None:
        self.requested = False
        self._phase, self._epoch = phase, epoch
        self.progress = Phases(self._enter)

    def _enter(self, phase: str) -> None:
        self.requested = self.requested or phase == self._phase

    def __call__(self) -> bool:
        return self.requested or 0 < self._epoch <= self.progress.snapshot().get("epoch", 0)

    def confirm(self) -> None:
        if self.requested:
            raise Interrupted


def never() -> bool:
    return False


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=tmp_path / "models", state=tmp_path / "state", data=tmp_path / "data")


@pytest.fixture
def registry(settings: Settings) -> Registry:
    return Registry.local(settings.models)


@pytest.fixture
def make(settings: Settings) -> Callable[..., Retraining]:
    """Make the work of job-1, with the given fields; by default nothing interrupts it."""

    def make(asked: dict[str, Any] = TINY, **fields: Any) -> Retraining:
        work = Retraining(
            job="job-1",
            request=Request.like({}, asked),
            settings=settings,
            progress=Phases(),
            newest_before=0,
            lost=never,
            is_cancelled=never,
            stopping=never,
            confirm=lambda: None,
        )
        return replace(work, **fields)

    return make


Make = Callable[..., Retraining]


def checkpoints(settings: Settings) -> list[Path]:
    return list((settings.state / "checkpoints").glob("*"))


def test_job_reads_trains_publishes_and_judges(
    make: Make, registry: Registry, settings: Settings
) -> None:
    progress = Phases()
    result = make(progress=progress).run()
    assert progress.phases == ["reading data", "training", "publishing", "judging"]
    assert (result["version"], result["state"]) == (1, "promoted")
    version = registry.load(1)
    card = version.card
    assert card["job"] == "job-1"
    assert version.calibration is not None
    assert len(version.calibration) == card["data"]["rows"]["test"]
    assert result["metrics"] == card["metrics"]["test"]
    assert (result["epochs"], result["solver"], result["stopped"]) == (
        5,
        "l-bfgs",
        "all epochs done",
    )
    assert checkpoints(settings) == []
    [promotion] = registry.history()
    assert promotion.by == "job job-1"


def test_job_of_another_model_uses_its_versions_alone(
    make: Make, registry: Registry, settings: Settings
) -> None:
    make().run()
    other = Models.local(settings.models, settings.model_name).registry("plant")
    result = make(TINY | {"model": "plant"}, job="job-2").run()
    assert (result["version"], result["state"]) == (1, "promoted")
    assert (registry.versions(), other.versions()) == ([1], [1])
    assert other.card(1)["job"] == "job-2"
    assert make(TINY | {"model": "plant"}, job="job-3").run()["state"] == "unchanged"


def test_second_run_publishes_nothing(make: Make, registry: Registry) -> None:
    first = make().run()
    progress = Phases()
    again = make(progress=progress).run()
    assert progress.phases == ["reading data", "judging"]
    assert (again["version"], again["state"], again["metrics"]) == (1, "promoted", first["metrics"])
    assert make(FORCED, job="job-2").run()["version"] == 2
    assert registry.versions() == [1, 2]
    assert registry.promotion_numbers() == [1, 2]  # an equal version is promoted


def test_version_of_an_earlier_run_is_released(make: Make, registry: Registry) -> None:
    lost = Interruption(phase="judging")
    with pytest.raises(Interrupted):
        make(progress=lost.progress, confirm=lost.confirm).run()
    assert registry.versions() == [1]
    assert registry.current() is None
    assert make().run()["state"] == "promoted"
    assert registry.versions() == [1]


def test_damaged_version_of_another_job_is_ignored(
    make: Make, registry: Registry, settings: Settings
) -> None:
    make().run()
    make(FORCED, job="job-2").run()
    (settings.models / "2.npz").write_bytes(b"PK")
    assert make(FORCED, job="job-3").run()["version"] == 3
    assert make().run()["version"] == 1


def test_versions_from_before_the_job_are_not_searched(make: Make, registry: Registry) -> None:
    make().run()
    assert make(FORCED, newest_before=1).run()["version"] == 2
    assert registry.versions() == [1, 2]


def test_job_without_promotion_is_kept_back(make: Make, registry: Registry) -> None:
    result = make(TINY | {"promote": False}).run()
    assert result["state"] == "kept_back"
    assert registry.versions() == [1]
    assert registry.promotion_numbers() == []


def test_settings_have_the_margin_and_the_number_of_versions_kept(
    make: Make, registry: Registry, settings: Settings
) -> None:
    mild = replace(settings, gate_margin=1e6, keep_versions=2)
    for number in range(4):
        worse = TINY | {"epochs": 5 - number, "seed": number}
        assert make(worse, job=f"job-{number}", settings=mild).run()["state"] == "promoted"
    assert registry.versions() == [3, 4]
    strict = make(TINY | {"epochs": 1}, job="job-5", settings=replace(settings, gate_margin=-0.9))
    assert strict.run()["state"] == "kept_back"


# Unchanged data


def test_nothing_is_trained_if_nothing_changed(make: Make, registry: Registry) -> None:
    first = make().run()
    progress = Phases()
    again = make(job="job-2", progress=progress).run()
    assert progress.phases == ["reading data"]
    assert (again["version"], again["state"], again["metrics"]) == (
        1,
        "unchanged",
        first["metrics"],
    )
    assert again["verdict"]["reason"] == (
        "data, recipe and code are those of version 1: nothing to train"
    )
    assert registry.versions() == registry.promotion_numbers() == [1]


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"samples": 201}, {"epochs": 6}, {"max_seconds": 601.0}], ids=str
)
def test_other_data_or_options_are_trained(
    make: Make, registry: Registry, change: dict[str, Any]
) -> None:
    make().run()
    assert make(TINY | change, job="job-2").run()["version"] == 2
    assert registry.versions() == [1, 2]


def test_version_of_other_code_is_trained_again(
    make: Make, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    make().run()
    monkeypatch.setattr(identity, "VERSION", "0.0.0")
    assert make(job="job-2").run()["version"] == 2


def test_version_that_was_kept_back_is_judged_again(make: Make, registry: Registry) -> None:
    make().run()
    worse = TINY | {"epochs": 1}
    kept_back = make(worse, job="job-2").run()
    assert (kept_back["version"], kept_back["state"]) == (2, "kept_back")
    progress = Phases()
    assert make(worse, job="job-3", progress=progress).run() == kept_back
    assert progress.phases == ["reading data", "judging"]
    assert registry.versions() == [1, 2]


def test_version_that_was_rolled_back_is_judged_again(make: Make, registry: Registry) -> None:
    make(TINY | {"epochs": 1}).run()
    better = make(job="job-2").run()
    assert (better["version"], better["state"]) == (2, "promoted")
    registry.roll_back(by="ops", at=datetime.now(UTC))
    assert make(job="job-3").run() == better
    assert [(each.version, each.by) for each in registry.history()] == [
        *((1, "job job-1"), (2, "job job-2"), (1, "ops"), (2, "job job-3")),
    ]


# Interruptions


@pytest.mark.parametrize("phase", ["reading data", "training", "publishing"])
def test_cancelled_job_leaves_nothing_behind(
    make: Make, registry: Registry, settings: Settings, phase: str
) -> None:
    cancelled = Interruption(phase=phase)
    with pytest.raises(Interrupted):
        make(
            LONG,
            progress=cancelled.progress,
            lost=cancelled,
            is_cancelled=cancelled,
            confirm=cancelled.confirm,
        ).run()
    assert cancelled.requested
    assert registry.versions() == []
    assert checkpoints(settings) == []


def test_cancelled_training_stops_at_the_epoch(
    make: Make, registry: Registry, settings: Settings
) -> None:
    cancelled = Interruption(epoch=20)
    with pytest.raises(Interrupted):
        make(LONG, progress=cancelled.progress, lost=cancelled, is_cancelled=cancelled).run()
    assert cancelled.progress.snapshot()["epoch"] == 20
    assert registry.versions() == []
    assert checkpoints(settings) == []


def test_job_cancelled_before_judging_is_not_promoted(make: Make, registry: Registry) -> None:
    cancelled = Interruption(phase="judging")
    with pytest.raises(Interrupted):
        make(progress=cancelled.progress, confirm=cancelled.confirm).run()
    assert registry.promotion_numbers() == []


def test_stopped_job_resumes_from_its_checkpoint(
    make: Make, registry: Registry, settings: Settings
) -> None:
    stopping = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=stopping.progress, stopping=stopping).run()
    assert registry.versions() == []
    assert len(checkpoints(settings)) == 1

    progress = Phases()
    assert make(LONG, progress=progress).run()["epochs"] == 300
    resumed = [point["epoch"] for point in progress.snapshot()["loss_history"]]
    assert resumed[0] > 50
    assert checkpoints(settings) == []
    request = Request.like({}, LONG)
    uninterrupted = train(synthetic_table(200, 0), request.make_recipe())
    assert (
        network(registry.load(1).model).theta.tobytes()
        == network(uninterrupted.model).theta.tobytes()
    )


def test_job_that_is_stopped_and_cancelled_leaves_nothing_behind(
    make: Make, settings: Settings
) -> None:
    end = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=end.progress, stopping=end, lost=end, is_cancelled=end).run()
    assert checkpoints(settings) == []


def test_checkpoint_of_another_job_is_not_used(make: Make, settings: Settings) -> None:
    stopping = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=stopping.progress, stopping=stopping).run()
    progress = Phases()
    make(LONG, job="job-2", progress=progress).run()
    assert progress.snapshot()["loss_history"][0]["epoch"] < 50
    assert len(checkpoints(settings)) == 1


def test_training_with_a_damaged_checkpoint_starts_from_scratch(
    make: Make, registry: Registry, settings: Settings
) -> None:
    stopping = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=stopping.progress, stopping=stopping).run()
    [path] = checkpoints(settings)
    path.write_bytes(path.read_bytes()[:300])
    assert make(LONG).run()["state"] == "promoted"
    assert registry.card(1)["training"]["epochs"] == 300


# Early failures


def test_nothing_is_trained_if_nothing_can_be_published(
    make: Make, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    progress = Phases()
    with pytest.raises(StorageError, match=r"^cannot write under "):
        make(
            progress=progress, settings=replace(settings, models=tmp_path / "file" / "models")
        ).run()
    assert progress.phases == []


def test_nothing_is_written_to_a_folder_that_lost_its_versions(
    make: Make, settings: Settings
) -> None:
    work = make()
    with pytest.raises(TrainingFailed, match=r"^version 7 was in use when the job was submitted"):
        replace(work, request=replace(work.request, current=7)).run()
    assert not settings.models.exists()


def test_unusable_data_publishes_nothing(
    make: Make, registry: Registry, settings: Settings
) -> None:
    with pytest.raises(DataError, match=r"^the data folder does not exist: set NUMNET_DATA"):
        make({"data": "a.csv", "targets": ["y"]}).run()
    settings.data.mkdir()
    with pytest.raises(DataError, match=r"^there is no file a\.csv in the data folder$"):
        make({"data": "a.csv", "targets": ["y"]}).run()
    assert registry.versions() == []
    assert checkpoints(settings) == []
