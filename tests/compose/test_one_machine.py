"""docker-compose.yml: one service and one trainer. The tests build on each other."""

import itertools
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.compose.conftest import IMAGE, Project, docker, inspect
from tests.compose.containment import assert_contained, resident
from tests.documents import sections
from tests.patience import DEADLINE_SECONDS, until

pytestmark = pytest.mark.compose

ROW = {"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}
UP = "docker compose up --detach --wait\n"
SLOW = {"solver": "adam", "epochs": 1_000_000, "patience": 1_000_000, "max_seconds": 10}
AGAIN = {"force": True}  # even if an earlier test had the same training
ENDED_WELL = ("promoted", "kept_back")


def everything(project: Project) -> dict[str, Any]:
    """Return everything that must survive restarts, backups and updates."""
    api = project.api()
    prediction = api.post("/predict", ROW).json()
    return {
        "models": api.get("/models"),
        "prediction": prediction,
        "jobs": [(job["id"], job["state"]) for job in api.get("/retrain")["jobs"]],
        "tables": project.compose("exec", "-T", "trainer", "ls", "/data"),
    }


def test_commands_of_the_documents_work(project: Project, figure: Callable[..., None]) -> None:
    assert sections("README.md")["Start with Docker Compose"] == [("sh", UP)]
    blocks = sections("docs/deployment.md")["One machine"]
    assert blocks[0] == ("sh", UP)
    docker("rmi", IMAGE)  # as on a machine that never built it, except for the cache
    begun = time.monotonic()
    project.run(UP)
    took = time.monotonic() - begun
    figure("`docker compose up` to healthy: image built from cache, first training", took, "s", 30)

    languages = [language for language, _ in blocks]
    assert languages == ["sh", "sh", "json", "sh", "sh", "json"]
    answer = json.loads(project.run(blocks[1][1]))
    documented = json.loads(blocks[2][1])
    assert answer == documented | {"prediction": pytest.approx(documented["prediction"], abs=1e-3)}
    events = project.run(blocks[3][1])
    assert '"state":"promoted"' in events or '"state":"kept_back"' in events
    answer = json.loads(project.run(blocks[4][1]).splitlines()[-1])
    documented = json.loads(blocks[5][1])
    assert answer == documented | {"prediction": pytest.approx(documented["prediction"], abs=0.05)}
    # to the previous features
    project.api().post("/models/rollback", {"force": True}).raise_for_status()


def test_containers_have_no_privileges(project: Project) -> None:
    assert len(project.containers()) == 2
    assert_contained(project)


def test_service_uses_little_memory(project: Project, figure: Callable[..., None]) -> None:
    project.compose("stop")  # the trainer too, because the service would share pages with it
    project.up("service")
    [container] = project.containers("service")
    api = project.api()
    for _ in range(200):
        api.post("/predict", ROW).raise_for_status()
    figure("memory of a service container, 2 workers, serving", resident(container), "MB", 120)
    for _ in range(200):
        api.get("/retrain")
    what = "memory of a service container, 2 workers, also asked for jobs"
    figure(what, resident(container), "MB", 120)
    project.up()


def test_killed_containers_restart_and_lose_nothing(project: Project) -> None:
    before = everything(project)
    for container in project.containers():
        project.killed(container)
    assert everything(project) == before


def test_job_survives_its_trainer(project: Project) -> None:
    api = project.api()
    job = api.retrain(**SLOW, **AGAIN)
    until(lambda: api.get(job).get("fraction_done", 0) > 0.4, 120)
    [container] = project.containers("trainer")
    project.killed(container)
    document = api.finished(job, DEADLINE_SECONDS)
    assert document["state"] in ENDED_WELL, document
    assert document["attempt"] == 2
    versions = [each for each in api.get("/models")["versions"] if job_of(api, each) in job]
    assert len(versions) == 1


def job_of(api: Any, entry: dict[str, Any]) -> str:
    return str(api.get(f"/models/{entry['version']}").get("job", "none"))


def test_down_and_up_lose_nothing(project: Project, figure: Callable[..., None]) -> None:
    before = everything(project)
    containers = project.containers()
    project.compose("stop")
    assert [inspect(each)["State"]["ExitCode"] for each in containers] == [0, 0]
    project.compose("down")
    figure("`docker compose up` to healthy, a version in the volume", project.up(), "s", 4)
    assert everything(project) == before


def test_backup_restores_everything(project: Project) -> None:
    before = everything(project)
    backup, restore, *_ = [
        block for _, block in sections("docs/deployment.md")["Backup and restore"]
    ]
    project.run(backup)
    project.run(restore)
    assert everything(project) == before


def test_schedule_submits_a_job(project: Project) -> None:
    known = {job["id"] for job in project.jobs()}
    project.up(NUMNET_RETRAIN_CRON="* * * * *")

    def scheduled() -> list[dict[str, Any]]:
        new = (job for job in project.jobs() if job["id"] not in known)
        return [job for job in new if job["by"] == "schedule"]

    [job] = until(scheduled, 90)
    project.up()  # without a schedule; the job continues
    state = project.api().finished(f"/retrain/{job['id']}", DEADLINE_SECONDS)["state"]
    assert state in (*ENDED_WELL, "unchanged")  # as the data are


def test_wrong_setting_is_reported(project: Project) -> None:
    with pytest.raises(AssertionError, match="NUMNET_THREADS=many: expected a whole number"):
        project.up(NUMNET_THREADS="many")
    project.up()


def test_changed_settings_take_effect(project: Project) -> None:
    project.up(NUMNET_MAX_BODY_BYTES="2048", NUMNET_ADMIN_TOKEN="another-token-of-tests")
    api = project.api()
    assert api.post("/predict", {"instances": [[0.0] * 4] * 200}).status_code == 413
    assert api.post("/models/rollback").status_code == 403  # the token in the volume is not used
    project.up()


def test_requests_succeed_while_the_trainer_is_replaced(project: Project) -> None:
    api = project.api()
    recreate = ["docker", "compose", "up", "--detach", "--force-recreate", "--no-deps", "trainer"]
    with subprocess.Popen(
        recreate, cwd=project.clone, env=project.environment, stderr=subprocess.DEVNULL
    ) as process:
        for answered in itertools.count():  # noqa: B007
            assert api.post("/predict", ROW).status_code == 200
            if process.poll() is not None:
                break
    assert process.returncode == 0
    assert answered > 10
