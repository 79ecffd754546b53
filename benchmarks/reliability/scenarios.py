"""What must hold while models change under load: each scenario drives a real installation.

Each takes its size and returns what it saw; `live_table.py` prints that, at full size, and the
tests look at it at a smaller one.
"""

import contextlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import requests

from benchmarks.installation import ADMIN, Installation, Service, postgresql, until
from benchmarks.load.closed_loop import Account, clients
from benchmarks.repository import ROOT
from registry import Registry
from tests.trainer import faulty_trainer
from trainer.data.synthetic import synthetic_table
from trainer.training.recipe import Recipe
from trainer.training.training import train

Span = tuple[float, float]  # from, to: times of day in seconds

ENDED_WELL = ("promoted", "kept_back")
CONNECTIONS = 16
RATE = 400.0  # requests a second, where latencies are compared: well below what two cores can


def publish(registry: Registry, seeds: Sequence[int]) -> list[int]:
    """Versions of the shipped task, each trained for a moment."""
    versions = []
    for seed in seeds:
        recipe = Recipe(layers=(8,), seed=seed, epochs=20, starts=1)
        trained = train(synthetic_table(400, seed), recipe)
        published = registry.publish(trained.model, trained.card, trained.golden_inputs)
        versions.append(published.number)
    return versions


def promote(registry: Registry, version: int) -> None:
    """Make it current."""
    registry.promote(version, by="a scenario", reason="to begin with", at=datetime.now(UTC))


def p99(latencies: Sequence[float]) -> float:
    return statistics.quantiles(latencies, n=100, method="inclusive")[98]


@dataclass(frozen=True)
class Promotions:
    changes: int
    requests: int
    failed: int
    mismatched: int
    stale: int  # requests after a change's answer that another version answered
    milliseconds: list[float]  # of each change


def promotions(folder: Path, count: int, connections: int = 16) -> Promotions:
    """Promotions and rollbacks while clients send; each is looked at from new connections."""
    with Installation(folder) as installation:
        versions = publish(installation.registry, range(4))
        promote(installation.registry, versions[0])
        service = installation.start_service()
        chooser = random.Random(0)
        stale, took, current = 0, [], str(versions[0])
        with clients(service.port, connections) as load:
            for number in range(count):
                others = [each for each in versions if str(each) != current]
                action = f"/models/{chooser.choice(others)}/promote"
                if number % 3 == 2:
                    action = "/models/rollback"
                began = time.perf_counter()
                answer = service.post(action)
                if answer.status_code == 409 and "rollback" in action:
                    answer = service.post(f"/models/{chooser.choice(others)}/promote")
                answer.raise_for_status()
                current = answer.json()["version"]
                took.append((time.perf_counter() - began) * 1000)
                for _ in range(4):  # each over a connection of its own, so of either worker
                    seen = requests.post(f"{service.url}/predict", json=_ROW, timeout=30).json()
                    stale += seen["version"] != answer.json()["version"]
            account = load.end()
        return Promotions(
            count,
            len(account.answers),
            account.failed,
            account.mismatches(installation.registry),
            stale,
            took,
        )


# a training that takes all the time it is given
_LONG: dict[str, Any] = {"layers": [32, 16], "samples": 5000, "epochs": 2**40, "patience": 2**40}
_ROW = dict.fromkeys(("x1", "x2", "x3", "x4"), 0.25)


@dataclass(frozen=True)
class Contrast:
    """The same clients with and without something going on, turn by turn.

    Attributes
    ----------
    idle, busy : p99 in seconds, turn by turn
    """

    requests: int
    failed: int
    idle: list[float]
    busy: list[float]
    notes: dict[str, Any]

    @property
    def ratios(self) -> list[float]:
        """Busy p99 over idle p99, turn by turn."""
        return [busy / idle for idle, busy in zip(self.idle, self.busy, strict=True)]


def retrainings(folder: Path, turns: int, seconds: float) -> Contrast:
    """Retrainings from POST to live while clients send, beside as long a time without."""
    # a gate that is open: what counts is what goes live while clients send
    with Installation(folder, NUMNET_GATE_MARGIN="1000000") as installation:
        promote(installation.registry, publish(installation.registry, [0])[0])
        service = installation.start_service()
        installation.start_worker()
        service.ended(service.retrain(layers=[4], samples=100, max_seconds=1))  # it works
        spans = []
        with clients(service.port, CONNECTIONS, RATE) as load:
            for turn in range(turns):
                idle = _span(partial(time.sleep, seconds))
                busy_from = time.time()
                job = service.retrain(**_LONG, max_seconds=seconds, seed=turn)
                ended = service.ended(job)
                if (ended["state"], ended["result"]["stopped"]) != ("promoted", "time limit"):
                    raise RuntimeError(str(ended))
                spans.append((idle, (busy_from, time.time())))
            account = load.end()
        notes = {
            "versions": len(account.versions()),
            "mismatched": account.mismatches(installation.registry),
        }
        return _contrast(account, spans, notes)


def watchers(folder: Path, count: int, turns: int, seconds: float) -> Contrast:
    """Clients with many watchers of a running job's events, beside clients without."""
    with Installation(folder) as installation:
        promote(installation.registry, publish(installation.registry, [0])[0])
        service = installation.start_service()
        installation.start_worker()
        job = service.retrain(**_LONG, max_seconds=3600)
        until(partial(_is_running, service, job))
        spans, events = [], 0
        with clients(service.port, CONNECTIONS, RATE) as load:
            for _ in range(turns):
                idle = _span(partial(time.sleep, seconds))
                with watching(service, job, count) as seen:
                    spans.append((idle, _span(partial(time.sleep, seconds))))
                events += seen()
            account = load.end()
        service.delete(job)
        return _contrast(account, spans, {"events received": events})


def _contrast(account: Account, spans: list[tuple[Span, Span]], notes: dict[str, Any]) -> Contrast:
    return Contrast(
        len(account.answers),
        account.failed,
        [p99(account.latencies(*idle)) for idle, _ in spans],
        [p99(account.latencies(*busy)) for _, busy in spans],
        notes,
    )


def _span(action: Callable[[], None]) -> Span:
    began = time.time()
    action()
    return began, time.time()


@contextlib.contextmanager
def watching(service: Service, job: str, count: int) -> Iterator[Callable[[], int]]:
    """Watchers of a job; the number of events that all have received, asked for afterwards."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks.load.event_watchers",
            str(service.port),
            job,
            str(count),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()  # all have their first event
    total = ""
    try:
        yield lambda: int(total)
    finally:
        total, _ = process.communicate()


@dataclass(frozen=True)
class Kills:
    """What clients saw of killed and stopped gunicorn workers.

    Attributes
    ----------
    in_flight : failed requests on connections that a killed worker had
    other : all other failed requests, and refused connections, before the stop
    answered_at_stop : requests that were answered after the stop was asked for
    """

    kills: int
    requests: int
    in_flight: int
    other: int
    answered_at_stop: int
    failed_at_stop: int
    exit_code: int


def service_kills(folder: Path, kills: int, connections: int = 16) -> Kills:
    """SIGKILL of one gunicorn worker after the other, then a graceful stop, under load."""
    with Installation(folder) as installation:
        promote(installation.registry, publish(installation.registry, [0])[0])
        service = installation.start_service()
        lost: list[set[int]] = []
        with clients(service.port, connections) as load:
            for _ in range(kills):
                until(lambda: len(service.workers()) == 2)
                time.sleep(0.5)
                victim = service.workers()[0]
                os.kill(victim, signal.SIGSTOP)  # so that it takes nobody else on
                lost.append(_peers(victim))
                os.kill(victim, signal.SIGKILL)
                until(partial(_is_gone, service, victim))
            until(lambda: len(service.workers()) == 2)
            time.sleep(1.0)
            stopped_at = time.time()
            exit_code = service.stop()
            account = load.end()
        before = [port for port, _, failed, _ in account.failures if failed < stopped_at]
        in_flight = sum(any(port in ports for ports in lost) for port in before)
        refused = sum(at < stopped_at for at in account.refused)
        return Kills(
            kills,
            len(account.answers),
            in_flight,
            len(before) - in_flight + refused,
            sum(sent + took > stopped_at for sent, took, *_ in account.answers),
            len(account.failures) - len(before),
            exit_code,
        )


def _peers(pid: int) -> set[int]:
    """The ports at the other ends of a process's TCP connections."""
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links}
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {int(each[2].rpartition(":")[2], 16) for each in fields if each[9] in inodes} - {0}


@dataclass(frozen=True)
class WorkerKills:
    jobs: int
    states: list[str]
    attempts: list[int]
    versions_per_job: list[int]
    refused: int  # versions that do not verify
    seconds_lost: list[float]  # from the kill to the job's end


def worker_kills(folder: Path, jobs: int, seconds: float) -> WorkerKills:
    """SIGKILL of the trainer worker at a random moment of each of several jobs.

    The moments are spread over all of a job: from when it is asked for, through `seconds` of
    training, to its publishing and judging.
    """
    with Installation(folder) as installation:
        registry = installation.registry
        promote(registry, publish(registry, [0])[0])
        service = installation.start_service()
        worker = installation.start_worker()
        service.ended(service.retrain(layers=[4], samples=100, max_seconds=1))
        chooser = random.Random(1)
        ended, lost, ids = [], [], []
        for number in range(jobs):
            job = service.retrain(**_LONG, max_seconds=seconds, seed=number)
            moment = (number + chooser.random()) / jobs * (0.5 + seconds + 1.0) - 0.5
            if moment < 0.0:
                time.sleep(0.5 + moment)
            else:
                until(partial(_has_a_worker, service, job))
                time.sleep(moment)
            worker.kill()
            worker.wait()
            killed = time.time()
            worker = installation.start_worker()
            document = service.ended(job)
            ended.append(document)
            ids.append(document["id"])
            lost.append(time.time() - killed)
        cards = []
        refused = 0
        for version in registry.versions():
            try:
                cards.append(registry.load(version).card)
            except Exception:
                refused += 1
        return WorkerKills(
            jobs,
            [each["state"] for each in ended],
            [each.get("attempt", 0) for each in ended],
            [sum(card.get("job") == job_id for card in cards) for job_id in ids],
            refused,
            lost,
        )


@dataclass(frozen=True)
class Storage:
    """What happened to the models folder, and what the service and the jobs said to it.

    Attributes
    ----------
    requests, failed : of clients that sent all the while
    said : what a job or a promotion answered in each state of the folder
    """

    requests: int
    failed: int
    said: dict[str, str]


def storage_faults(folder: Path) -> Storage:
    """The models folder full, read-only and deleted under a running service. Needs to be root."""
    volume = folder / "volume"
    volume.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", volume], check=True)
    try:
        with Installation(folder / "rest", NUMNET_MODELS=str(volume / "models")) as installation:
            return _storage_faults(installation, volume)
    finally:
        subprocess.run(["umount", "--lazy", volume], check=True)


def _storage_faults(installation: Installation, volume: Path) -> Storage:
    models = volume / "models"
    registry = Registry.local(models)
    first, second = publish(registry, [0, 1])
    promote(registry, first)
    service = installation.start_service()
    installation.start_worker()
    asked = {"layers": [8], "samples": 200, "max_seconds": 1}
    said = {}

    def attempt(state: str) -> None:
        job = service.ended(service.retrain(**asked))
        said[f"{state}: a retraining"] = f"{job['state']}: {job.get('error', 'published')}"
        answer = service.post(f"/models/{second}/promote")
        said[f"{state}: a promotion"] = f"{answer.status_code} {answer.json().get('detail', '')}"

    with clients(service.port, 4, 200.0) as load:
        attempt("at first")
        ballast = volume / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(bytes(512))
                file.flush()
        attempt("full")
        ballast.unlink()
        attempt("space again")
        subprocess.run(["mount", "-o", "remount,ro", volume], check=True)
        attempt("read-only")
        subprocess.run(["mount", "-o", "remount,rw", volume], check=True)
        attempt("writable again")
        shutil.copytree(models, volume.parent / "backup")
        shutil.rmtree(models)
        attempt("deleted")
        ready = requests.get(f"{service.url}/readyz", timeout=10)
        said["deleted: readyz"] = str(ready.status_code)
        shutil.copytree(volume.parent / "backup", models)
        attempt("restored")
        account = load.end()
    return Storage(len(account.answers), account.failed, said)


@dataclass(frozen=True)
class BadCandidates:
    said: dict[str, str]  # by fault: the job's state and reason
    live: str  # in the end


def bad_candidates(folder: Path) -> BadCandidates:
    """Candidates that are corrupted, have NaN weights, or other features: never live."""
    with Installation(folder) as installation:
        promote(installation.registry, publish(installation.registry, [0])[0])
        service = installation.start_service()
        installation.start_worker("tests.trainer.faulty_trainer")
        said: dict[str, str] = {}
        for fault, seed in (
            ("none", 0),
            ("corrupted", faulty_trainer.DAMAGED),
            ("NaN", faulty_trainer.NOT_FINITE),
            ("other features", faulty_trainer.OTHER_FEATURES),
        ):
            job = service.ended(service.retrain(layers=[16], max_seconds=2, seed=seed))
            result = job.get("result", {}).get("verdict", {}).get("reason")
            said[fault] = f"{job['state']}: {job.get('error') or result}"
        return BadCandidates(said, service.get("/models")["current"])


@dataclass(frozen=True)
class Simultaneous:
    statuses: dict[int, int]  # how many of each


def simultaneous(folder: Path, count: int) -> Simultaneous:
    """Many POST /retrain at once."""
    with Installation(folder) as installation:
        promote(installation.registry, publish(installation.registry, [0])[0])
        service = installation.start_service()
        barrier = threading.Barrier(count)

        def post() -> int:
            with requests.Session() as session:
                session.get(f"{service.url}/livez", timeout=30)
                barrier.wait()
                return session.post(f"{service.url}/retrain", headers=ADMIN, timeout=60).status_code

        with ThreadPoolExecutor(count) as pool:
            statuses = [each.result() for each in [pool.submit(post) for _ in range(count)]]
        return Simultaneous({each: statuses.count(each) for each in sorted(set(statuses))})


@dataclass(frozen=True)
class Shared:
    """Two services and two workers on one PostgreSQL.

    Attributes
    ----------
    most_at_once : jobs that were being carried out at one moment
    workers : that carried jobs out, one of which was killed in between
    versions_per_job : that were published
    seconds_to_live : from a promotion to the moment when both services answered with it
    """

    states: list[str]
    most_at_once: int
    workers: int
    versions_per_job: list[int]
    seconds_to_live: list[float]


def shared_database(folder: Path, jobs: int) -> Shared:
    """Two services and two workers on one real PostgreSQL."""
    with (
        postgresql(folder / "postgresql") as url,
        Installation(folder / "rest", NUMNET_DATABASE_URL=url) as installation,
    ):
        promote(installation.registry, publish(installation.registry, [0])[0])
        services = [installation.start_service(workers=1) for _ in range(2)]
        workers = {each.pid: each for each in (installation.start_worker() for _ in range(2))}
        states, names, ids, seconds, most = [], set(), [], [], 0
        for number in range(jobs):
            service = services[number % 2]
            job = service.retrain(layers=[8], samples=400, max_seconds=1.5, seed=number)
            if number == jobs // 2:
                until(partial(_has_a_worker, service, job))
                at_work = int(service.get(job)["worker"].rpartition(":")[2])
                workers[at_work].kill()
            deadline = time.monotonic() + 60
            while (
                service.get(job)["state"] in ("queued", "running") and time.monotonic() < deadline
            ):
                services[(number + 1) % 2].post("/retrain", {"samples": 100})  # which is refused
                listed = services[(number + 1) % 2].get("/retrain")["jobs"]
                most = max(most, sum(each["state"] == "running" for each in listed))
            document = service.get(job)
            for each in services[0].get("/retrain")["jobs"]:  # one slipped in as this one ended
                services[0].ended(f"/retrain/{each['id']}")
            states.append(document["state"])
            names.add(document["worker"])
            ids.append(document["id"])
            service.post("/models/1/promote").raise_for_status()
            version = str(document["result"]["version"])
            service.post(f"/models/{version}/promote").raise_for_status()
            at = time.time()
            for each in services:
                until(partial(_answers_with, each, version), every=0.005)
            seconds.append(time.time() - at)
        registry = installation.registry
        owners = [registry.card(each).get("job") for each in registry.versions()]
        return Shared(states, most, len(names), [owners.count(each) for each in ids], seconds)


def _answers_with(service: Service, version: str) -> bool:
    answer = requests.post(f"{service.url}/predict", json=_ROW, timeout=30).json()
    return bool(answer["version"] == version)


def _has_a_worker(service: Service, job: str) -> bool:
    return "worker" in service.get(job)


def _is_running(service: Service, job: str) -> bool:
    return bool(service.get(job)["state"] == "running")


def _is_gone(service: Service, worker: int) -> bool:
    return worker not in service.workers()
