"""docker-compose.scale.yml: replicas behind nginx, two trainers, PostgreSQL."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from benchmarks.load.closed_loop import clients
from tests.compose.conftest import Project, inspect
from tests.compose.containment import assert_contained
from tests.compose.test_one_machine import AGAIN, ENDED_WELL, ROW, SLOW, everything
from tests.documents import sections
from tests.patience import DEADLINE_SECONDS, until

pytestmark = pytest.mark.compose

RATE = 200.0  # requests per second; well below the capacity of the replicas


@pytest.fixture(scope="module")
def replicas(project: Project) -> Project:
    """Start the replicas with the document's commands, in a clone that only its owner can read."""
    subprocess.run(["chmod", "-R", "go=", str(project.clone)], check=True)
    (project.clone / ".env").write_text("NUMNET_DATABASE_PASSWORD=of-another-database\n")
    project.run(sections("docs/deployment.md")["Replicas"][0][1])
    return project


@contextmanager
def unfailing(project: Project) -> Iterator[list[int]]:
    """Send predictions during the block; none may fail. Yield a list that then has both counts."""
    count: list[int] = []
    with clients(project.port, 8, RATE) as load:
        yield count
        account = load.end()
    assert account.failures == []
    assert account.refused == []
    count += [len(account.answers), account.failed]


def test_all_replicas_answer(replicas: Project) -> None:
    assert len(replicas.containers("service")) == 3
    for _ in range(100):
        requests.post(
            f"{replicas.api().url}/predict", json=ROW, timeout=DEADLINE_SECONDS
        ).raise_for_status()
    asked = re.findall(r'"replicas":"([^"]+)"', replicas.compose("logs", "nginx"))
    answered = {each.rpartition(", ")[2] for each in asked}  # the last one tried
    assert len(answered) == 3, answered


def test_containers_have_no_privileges(replicas: Project) -> None:
    assert len(replicas.containers()) == 3 + 2 + 1 + 1
    assert_contained(replicas)


def test_database_password_is_only_in_the_file(replicas: Project) -> None:
    password = (replicas.clone / "secrets" / "postgres-password").read_text().strip()
    for container in replicas.containers():
        assert password not in json.dumps(inspect(container))
    [nginx] = replicas.containers("nginx")
    networks = inspect(nginx)["NetworkSettings"]["Networks"]
    assert not [name for name in networks if name.endswith("database")]


def test_job_and_its_version_are_visible_through_every_replica(replicas: Project) -> None:
    api = replicas.api()
    document = api.finished(api.retrain(seed=3, **AGAIN), DEADLINE_SECONDS)
    assert document["state"] in ENDED_WELL
    version = str(document["result"]["version"])
    api.post(f"/models/{version}/promote").raise_for_status()
    for _ in range(30):  # new connections, which nginx distributes over the three
        answer = requests.post(f"{api.url}/predict", json=ROW, timeout=DEADLINE_SECONDS)
        assert answer.json()["version"] == version
        assert api.get("/retrain")["jobs"][0]["id"] == document["id"]


def test_access_logs_have_the_address_of_the_client_not_of_nginx(replicas: Project) -> None:
    api = replicas.api()
    headers = {"X-Request-ID": "behind-nginx"}
    answer = requests.post(
        f"{api.url}/predict", json=ROW, headers=headers, timeout=DEADLINE_SECONDS
    )
    assert answer.status_code == 200

    def entry() -> str | None:
        found = [line for line in replicas.logs().splitlines() if '"behind-nginx"' in line]
        return next((line for line in found if '"logger":"access"' in line), None)

    line = until(entry)
    (nginx,) = replicas.containers("nginx")
    networks = inspect(nginx)["NetworkSettings"]["Networks"].values()
    client = json.loads(line[line.index("{") :])["client"]
    assert client not in {network["IPAddress"] for network in networks}


def test_events_arrive_without_buffering(replicas: Project) -> None:
    api = replicas.api()
    job = api.retrain(**SLOW, **AGAIN)
    with requests.get(f"{api.url}{job}/events", stream=True, timeout=DEADLINE_SECONDS) as answer:
        lines = answer.iter_lines(chunk_size=1)
        states = [api.get(job)["state"] for line in lines if line.startswith(b"data:")]
    assert set(states[:5]) <= {"queued", "running"}  # a buffer would hold them to the end
    assert states[-1] in ENDED_WELL


def test_rolling_update_fails_no_request(replicas: Project, figure: Callable[..., None]) -> None:
    before = replicas.containers("service")
    begun = time.monotonic()
    with unfailing(replicas) as count:
        replicas.run("deploy/rolling-update")
        time.sleep(1)  # so that the new replicas answer for a while
    after = replicas.containers("service")
    assert len(after) == 3
    assert set(before) & set(after) == set()
    what = f"rolling update of 3 replicas: failed of {sum(count):,} requests"
    figure(what, count[1], "", 0)
    figure("a rolling update of 3 replicas, under load", time.monotonic() - begun, "s")


def test_unhealthy_replica_replaces_no_other(replicas: Project) -> None:
    before = replicas.containers("service")
    with unfailing(replicas), pytest.raises(AssertionError) as caught:
        replicas.run("NUMNET_THREADS=many deploy/rolling-update")
    assert "NUMNET_THREADS=many: expected a whole number" in str(caught.value)
    assert "rolling-update: a new replica did not become healthy and is removed" in str(
        caught.value
    )
    assert replicas.containers("service") == before


def test_killed_replica_fails_no_prediction(replicas: Project, figure: Callable[..., None]) -> None:
    with unfailing(replicas) as count:
        for container in replicas.containers("service"):
            replicas.killed(container)
    figure(f"SIGKILL of 3 replicas in turn: failed of {sum(count):,} requests", count[1], "", 0)


def test_second_trainer_takes_over_a_job(replicas: Project) -> None:
    api = replicas.api()
    job = api.retrain(**SLOW, **AGAIN)
    until(lambda: api.get(job).get("fraction_done", 0) > 0.4, 120)
    at_work = api.get(job)["worker"].partition(":")[0]
    [container] = [each for each in replicas.containers("trainer") if each.startswith(at_work)]
    replicas.kill(container)
    document = api.finished(job, DEADLINE_SECONDS)
    assert document["state"] in ENDED_WELL, document
    assert document["attempt"] == 2
    assert not document["worker"].startswith(at_work)


@pytest.mark.parametrize("service", ["nginx", "postgres"])
def test_killed_container_restarts_and_nothing_is_lost(replicas: Project, service: str) -> None:
    before = everything(replicas)
    [container] = replicas.containers(service)
    replicas.killed(container)
    assert until(lambda: jobs_available(replicas), 120)
    assert everything(replicas) == before
    api = replicas.api()
    assert api.finished(api.retrain(seed=4, **AGAIN), DEADLINE_SECONDS)["state"] in ENDED_WELL


def jobs_available(project: Project) -> bool:
    return requests.get(f"http://127.0.0.1:{project.port}/retrain", timeout=DEADLINE_SECONDS).ok


def test_errors_of_nginx_are_problem_documents(replicas: Project) -> None:
    api = replicas.api()
    large = requests.post(f"{api.url}/predict", data=b" " * (17 << 20), timeout=DEADLINE_SECONDS)
    assert large.status_code == 413
    assert large.headers["Content-Type"] == "application/problem+json"
    assert large.json()["type"] == "/problems/content-too-large"
    assert large.headers["X-Request-ID"]

    long = requests.get(
        f"{api.url}/models", headers={"X-Long": "x" * 40_000}, timeout=DEADLINE_SECONDS
    )
    assert long.status_code == 400
    assert long.headers["Content-Type"] == "application/problem+json"
    assert long.json()["type"] == "/problems/bad-request"

    replicas.compose("stop", "service")
    asked = {"X-Request-ID": "look-for-me"}
    gone = requests.post(f"{api.url}/predict", json=ROW, headers=asked, timeout=DEADLINE_SECONDS)
    assert gone.status_code == 503
    assert gone.headers["Content-Type"] == "application/problem+json"
    assert gone.headers["Retry-After"] == "1"
    assert gone.headers["X-Request-ID"] == "look-for-me"
    assert gone.json()["type"] == "/problems/no-replica"
    replicas.up()
    requests.post(f"{api.url}/predict", json=ROW, timeout=DEADLINE_SECONDS).raise_for_status()


def test_backup_restores_everything(replicas: Project) -> None:
    before = everything(replicas)
    *_, backup, restore = [
        block for _, block in sections("docs/deployment.md")["Backup and restore"]
    ]
    replicas.run(backup)
    replicas.run(restore)
    assert everything(replicas) == before


def test_down_and_up_lose_nothing(replicas: Project, figure: Callable[..., None]) -> None:
    before = everything(replicas)
    replicas.compose("down")
    figure("replicas: `docker compose up` to healthy", replicas.up(), "s")
    assert everything(replicas) == before


def test_a_thousand_simultaneous_clients_get_responses(replicas: Project) -> None:
    """Each client sends one request."""
    answers: list[int] = []

    def ask() -> None:
        url = f"http://127.0.0.1:{replicas.port}/predict"
        answers.append(requests.post(url, json=ROW, timeout=DEADLINE_SECONDS).status_code)

    threads = [threading.Thread(target=ask) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 1000
