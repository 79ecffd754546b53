"""A job's work, in this process: what it leaves behind however it ends."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from registry import Registry, StorageError
from tests.trainer.installation import TINY
from trainer.data.synthetic import synthetic_table
from trainer.errors import DataError, Interrupted, TrainingFailed
from trainer.jobs.execution import Retraining
from trainer.jobs.progress import JobProgress
from trainer.jobs.request import Request
from trainer.training.training import train

LONG = TINY | {"solver": "adam", "epochs": 300, "patience": 300, "max_seconds": 60.0}


class Phases(JobProgress):
    """Keeps every phase, and may have something happen when one is entered."""

    def __init__(self, happening: Callable[[str], object] = lambda phase: None) -> None:
        super().__init__("tests", 1)
        self.phases: list[str] = []
        self._happening = happening

    def enter(self, phase: str) -> None:
        super().enter(phase)
        self.phases.append(phase)
        self._happening(phase)


class Interruption:
    """Asks for an end at a given phase, or after a number of epochs."""

    def __init__(self, *, phase: str = "", epoch: int = 0) -> None:
        self.come = False
        self._phase, self._epoch = phase, epoch
        self.progress = Phases(self._enter)

    def _enter(self, phase: str) -> None:
        self.come = self.come or phase == self._phase

    def __call__(self) -> bool:
        return self.come or 0 < self._epoch <= self.progress.snapshot().get("epoch", 0)

    def confirm(self) -> None:
        if self.come:
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
    """A retraining of job-1 that nothing disturbs, but for what is given."""

    def make(asked: dict[str, Any] = TINY, **fields: Any) -> Retraining:
        work = Retraining(
            job="job-1",
            request=Request.like({}, asked),
            settings=settings,
            progress=Phases(),
            lost=never,
            withdrawn=never,
            stopping=never,
            confirm=lambda: None,
        )
        return replace(work, **fields)

    return make


Make = Callable[..., Retraining]


def checkpoints(settings: Settings) -> list[Path]:
    return list((settings.state / "checkpoints").glob("*"))


def test_it_reads_trains_publishes_and_judges(
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


def test_run_again_it_publishes_nothing_more(make: Make, registry: Registry) -> None:
    first = make().run()
    progress = Phases()
    again = make(progress=progress).run()
    assert progress.phases == ["reading data", "judging"]
    assert (again["version"], again["state"], again["metrics"]) == (1, "promoted", first["metrics"])
    assert make(job="job-2").run()["version"] == 2
    assert registry.versions() == [1, 2]
    assert registry.promotion_numbers() == [1, 2]  # the same is not worse


def test_published_but_not_released_it_is_released(make: Make, registry: Registry) -> None:
    gone = Interruption(phase="judging")
    with pytest.raises(Interrupted):
        make(progress=gone.progress, confirm=gone.confirm).run()
    assert registry.versions() == [1]
    assert registry.current() is None
    assert make().run()["state"] == "promoted"
    assert registry.versions() == [1]


def test_a_damaged_version_of_somebody_elses_is_in_nobodys_way(
    make: Make, registry: Registry, settings: Settings
) -> None:
    make().run()
    make(job="job-2").run()
    (settings.models / "2.npz").write_bytes(b"PK")
    assert make(job="job-3").run()["version"] == 3
    assert make().run()["version"] == 1


def test_publishing_only_is_for_the_gate_to_leave_alone(make: Make, registry: Registry) -> None:
    result = make(TINY | {"promote": False}).run()
    assert result["state"] == "kept_back"
    assert registry.versions() == [1]
    assert registry.promotion_numbers() == []


def test_the_gates_margin_and_the_versions_kept_are_the_settings(
    make: Make, registry: Registry, settings: Settings
) -> None:
    mild = replace(settings, gate_margin=1e6, keep_versions=2)
    for number in range(4):
        worse = TINY | {"epochs": 5 - number}
        assert make(worse, job=f"job-{number}", settings=mild).run()["state"] == "promoted"
    assert registry.versions() == [3, 4]
    strict = make(TINY | {"epochs": 1}, job="job-5", settings=replace(settings, gate_margin=-0.9))
    assert strict.run()["state"] == "kept_back"


# Ended before its end


@pytest.mark.parametrize("phase", ["reading data", "training", "publishing"])
def test_cancelled_nothing_is_published_and_nothing_is_left(
    make: Make, registry: Registry, settings: Settings, phase: str
) -> None:
    cancelled = Interruption(phase=phase)
    with pytest.raises(Interrupted):
        make(
            LONG,
            progress=cancelled.progress,
            lost=cancelled,
            withdrawn=cancelled,
            confirm=cancelled.confirm,
        ).run()
    assert cancelled.come
    assert registry.versions() == []
    assert checkpoints(settings) == []


def test_cancelled_while_training_it_stops_there(
    make: Make, registry: Registry, settings: Settings
) -> None:
    cancelled = Interruption(epoch=20)
    with pytest.raises(Interrupted):
        make(LONG, progress=cancelled.progress, lost=cancelled, withdrawn=cancelled).run()
    assert cancelled.progress.snapshot()["epoch"] == 20
    assert registry.versions() == []
    assert checkpoints(settings) == []


def test_cancelled_while_it_is_published_it_is_not_promoted(make: Make, registry: Registry) -> None:
    cancelled = Interruption(phase="judging")
    with pytest.raises(Interrupted):
        make(progress=cancelled.progress, confirm=cancelled.confirm).run()
    assert registry.promotion_numbers() == []


def test_stopped_it_leaves_a_checkpoint_to_go_on_from(
    make: Make, registry: Registry, settings: Settings
) -> None:
    stopping = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=stopping.progress, stopping=stopping).run()
    assert registry.versions() == []
    assert len(checkpoints(settings)) == 1

    progress = Phases()
    assert make(LONG, progress=progress).run()["epochs"] == 300
    told = [point["epoch"] for point in progress.snapshot()["loss_history"]]
    assert told[0] > 50
    assert checkpoints(settings) == []
    request = Request.like({}, LONG)
    whole = train(synthetic_table(200, 0), request.make_recipe())
    assert registry.load(1).model.theta.tobytes() == whole.model.theta.tobytes()


def test_stopped_and_cancelled_it_leaves_nothing(make: Make, settings: Settings) -> None:
    end = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=end.progress, stopping=end, lost=end, withdrawn=end).run()
    assert checkpoints(settings) == []


def test_another_jobs_checkpoint_is_not_gone_on_from(make: Make, settings: Settings) -> None:
    stopping = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=stopping.progress, stopping=stopping).run()
    progress = Phases()
    make(LONG, job="job-2", progress=progress).run()
    assert progress.snapshot()["loss_history"][0]["epoch"] < 50
    assert len(checkpoints(settings)) == 1


def test_with_a_damaged_checkpoint_it_begins_anew(
    make: Make, registry: Registry, settings: Settings
) -> None:
    stopping = Interruption(epoch=50)
    with pytest.raises(Interrupted):
        make(LONG, progress=stopping.progress, stopping=stopping).run()
    [path] = checkpoints(settings)
    path.write_bytes(path.read_bytes()[:300])
    assert make(LONG).run()["state"] == "promoted"
    assert registry.card(1)["training"]["epochs"] == 300


# What fails, fails early


def test_where_nothing_can_be_published_nothing_is_trained(
    make: Make, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    progress = Phases()
    with pytest.raises(StorageError, match=r"^cannot write under "):
        make(
            progress=progress, settings=replace(settings, models=tmp_path / "file" / "models")
        ).run()
    assert progress.phases == []


def test_nothing_is_made_in_a_folder_that_has_lost_its_versions(
    make: Make, settings: Settings
) -> None:
    work = make()
    with pytest.raises(TrainingFailed, match=r"^version 7 was being served when this was asked"):
        replace(work, request=replace(work.request, current=7)).run()
    assert not settings.models.exists()


def test_data_that_cannot_be_used_publishes_nothing(
    make: Make, registry: Registry, settings: Settings
) -> None:
    with pytest.raises(DataError, match=r"^there is no data folder: NUMNET_DATA says which"):
        make({"data": "a.csv", "targets": ["y"]}).run()
    settings.data.mkdir()
    with pytest.raises(DataError, match=r"^there is no file a\.csv in the data folder$"):
        make({"data": "a.csv", "targets": ["y"]}).run()
    assert registry.versions() == []
    assert checkpoints(settings) == []
