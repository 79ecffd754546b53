"""Retraining jobs: submitted, watched over streams that break, cancelled."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import numnet
from numnet import Client, Job
from tests.client.hostile_server import hostile_server, response
from tests.client.training import training_service
from tests.e2e.conftest import ADMIN_TOKEN, Service
from tests.patience import until
from tests.service.small_models import FEATURES

QUICK: dict[str, Any] = {"samples": 200, "layers": [4], "epochs": 20, "max_seconds": 2}
ENDLESS: dict[str, Any] = {  # except for its time limit
    "samples": 200,
    "layers": [4],
    "solver": "adam",
    "epochs": 10**9,
    "patience": 10**9,
    "max_seconds": 3600,
}
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a trainer; it has no version at first, and tests leave no active job."""
    with training_service(tmp_path_factory.mktemp("training")) as running:
        yield running


@pytest.fixture
def admin(training: Service) -> Iterator[Client]:
    with Client(training.url, token=ADMIN_TOKEN, retries=20) as client:
        yield client


def job_document(state: str, **members: Any) -> dict[str, Any]:
    times = dict.fromkeys(("created_at", "started_at", "finished_at"))
    return {"id": "job-1", "state": state, "model": "numnet", "by": "", **times, **members}


def event(number: int, document: dict[str, Any], end: str = "\n") -> bytes:
    lines = [f"id: {number}", "event: job", f"data: {json.dumps(document)}", "", ""]
    return end.join(lines).encode()


def test_a_retraining_is_waited_for(admin: Client) -> None:
    seen: list[Job] = []
    job = admin.retrain(wait=True, progress=seen.append, key="the-first", seed=1, **QUICK)
    assert job.state == "promoted"
    assert job == seen[-1]
    assert job.version == admin.versions().current
    assert [each.id for each in seen] == [job.id] * len(seen)
    assert job.loss_history
    assert job.created_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.finished_at
    again = admin.retrain(key="the-first", seed=1, **QUICK)
    assert again.id == job.id
    assert admin.job(job).document == job.document
    assert job.id in [each.id for each in admin.jobs()]
    assert list(admin.watch(job)) == [job]
    with pytest.raises(numnet.JobFinished) as caught:
        admin.cancel(job)
    assert caught.value.job_id == job.id
    with pytest.raises(numnet.InvalidInput):
        admin.retrain(key="the-first", seed=2, **QUICK)


def test_a_job_is_watched_while_the_service_is_killed_and_restarted(
    admin: Client, training: Service
) -> None:
    job = admin.retrain(seed=3, **ENDLESS)
    states: list[str] = []
    killed = cancelled = False
    for latest in admin.watch(job):
        states.append(latest.state)
        assert latest.document["request"]["recipe"]["seed"] == 3  # kept from the first event
        if latest.state == "running" and not killed:
            os.killpg(training.process.pid, signal.SIGKILL)
            training.process.wait()
            training.start()
            killed = True
        elif latest.state == "running" and not cancelled:
            admin.cancel(job)
            cancelled = True
    assert killed
    assert cancelled
    assert states[-1] == "cancelled"
    assert "running" in states


def test_a_cancelled_job_is_an_error_for_its_waiter(admin: Client) -> None:
    def cancel(job: Job) -> None:
        if job.state in ("queued", "running") and job.id not in asked:
            asked.add(job.id)
            admin.cancel(job)

    asked: set[str] = set()
    with pytest.raises(numnet.JobCancelled) as caught:
        admin.retrain(progress=cancel, seed=4, **ENDLESS)
    assert caught.value.job.state == "cancelled"


def test_a_failed_job_is_an_error_for_its_waiter(admin: Client, training: Service) -> None:
    data = Path(training.settings["NUMNET_DATA"])
    data.mkdir(exist_ok=True)
    lines = [",".join([*FEATURES, "y"]), *["1,2,3,4,5"] * 50]
    (data / "constant.csv").write_text("\n".join(lines))
    with pytest.raises(numnet.JobFailed) as caught:
        admin.retrain("constant.csv", targets=["y"], wait=True)
    assert " ".join(caught.value.job.error.split()) in str(caught.value)
    assert "no column is left to predict from" in str(caught.value)
    assert until(lambda: not any(job.active for job in admin.jobs()))


def test_a_job_is_polled_if_streams_end_without_a_new_event() -> None:
    stream = SSE + event(1, job_document("running"))
    done = response("200 OK", json.dumps(job_document("promoted")).encode())
    with (
        hostile_server([stream], [stream], [stream], [done]) as server,
        Client(server.url, retries=2) as client,
    ):
        assert [each.state for each in client.watch("job-1")] == ["running", "promoted"]
        paths = [each.split()[1] for each in server.requests]
    assert paths == [b"/retrain/job-1/events"] * 3 + [b"/retrain/job-1"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_stream_that_breaks_goes_on_after_its_last_event(end: str) -> None:
    whole = job_document("running", request={"seed": 1}, loss_history=[{"epoch": 1}])
    first = SSE + event(1, whole, end) + b": heartbeat\n\n"
    news = event(2, job_document("running", epoch=2), end)
    known = SSE + event(2, whole, end)
    last = event(3, job_document("promoted", result={"version": 2}), end)
    with (
        hostile_server([first, news[:20], 0.05, news[20:]], [b""], [known, last]) as server,
        Client(server.url) as client,
    ):
        jobs = list(client.watch("job-1"))
    assert [job.state for job in jobs] == ["running", "running", "promoted"]
    assert [job.epoch for job in jobs] == [None, 2, None]
    assert jobs[1].document["request"] == {"seed": 1}
    assert jobs[1].loss_history == ({"epoch": 1},)
    assert jobs[-1].version == "2"
    assert b"Last-Event-ID" not in server.requests[0]
    assert b"\r\nLast-Event-ID: 2\r\n" in server.requests[2]


@pytest.mark.parametrize(
    "answer",
    [
        response("200 OK", b"<html>", "Content-Type: text/html"),
        response("503 Service Unavailable", b"{}", "Content-Type: application/problem+json"),
    ],
    ids=["not a stream", "no room"],
)
def test_a_job_is_polled_where_streams_are_not_possible(answer: bytes) -> None:
    polled = [
        [response("200 OK", json.dumps(job_document(state)).encode())]
        for state in ("running", "running", "kept_back")
    ]
    with hostile_server([answer], *polled) as server, Client(server.url) as client:
        assert [job.state for job in client.watch("job-1")] == ["running", "kept_back"]
        assert [request.split()[1] for request in server.requests] == [
            b"/retrain/job-1/events",
            *[b"/retrain/job-1"] * 3,
        ]


@pytest.mark.parametrize(
    "garbage",
    [b"data: {\n\n", b"data: []\n\n", b'data: {"state": "running"}\n\n', b"\x00\xff\n\n"],
    ids=["no JSON", "a list", "no job", "no text"],
)
def test_garbage_events_do_not_look_like_a_job(garbage: bytes) -> None:
    wrong = response("200 OK", b"[]")
    with (
        hostile_server([SSE + garbage], [wrong]) as server,
        Client(server.url, retries=0) as client,
        pytest.raises(numnet.NumnetError),
    ):
        list(client.watch("job-1"))


def test_a_watch_ends_when_the_service_is_gone() -> None:
    running = SSE + event(1, job_document("running"))
    with hostile_server([running], [b""]) as server, Client(server.url, timeout=1.0) as client:
        jobs = client.watch("job-1")
        assert next(jobs).state == "running"
        begun = time.monotonic()
        with pytest.raises(numnet.NotConnected):
            next(jobs)
        assert time.monotonic() - begun > 1.0
        assert len(server.requests) > 3


def test_a_watch_that_repeats_nothing_ends_at_once_when_the_service_is_gone() -> None:
    running = SSE + event(1, job_document("running"))
    with (
        hostile_server([running + b"id"], [b""]) as server,
        Client(server.url, retries=0) as client,
    ):
        jobs = client.watch("job-1")
        assert next(jobs).state == "running"
        with pytest.raises(numnet.NotConnected):
            next(jobs)
        assert len(server.requests) == 2


@pytest.mark.parametrize("is_polled", [False, True], ids=["a stream", "polling"])
def test_a_restart_may_take_longer_than_the_repetitions_of_a_request(is_polled: bool) -> None:
    running, last = (
        event(n, job_document(state)) for n, state in ((1, "running"), (2, "promoted"))
    )
    scripts = [[SSE + running], *[[b""]] * 6, [SSE + last]]
    if is_polled:
        polled = [
            [response("200 OK", json.dumps(job_document(state)).encode())]
            for state in ("running", "promoted")
        ]
        no_stream = response("200 OK", b"<html>", "Content-Type: text/html")
        scripts = [[no_stream], polled[0], *[[b""]] * 6, polled[1]]
    with hostile_server(*scripts) as server, Client(server.url, retries=2) as client:
        assert [job.state for job in client.watch("job-1")] == ["running", "promoted"]
