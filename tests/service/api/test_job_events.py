"""Server-sent events of a job: what they hold, and how watchers get them.

Watchers of a real service are in tests/e2e/jobs/test_events.py.
"""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar, cast
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient

from service.api.job_events import HEARTBEAT_POLLS, MAX_WATCHERS, SEND_STREAM, JobPoller, event
from service.services import services_of
from service.web.errors import TooManyWatchers
from tests.patience import DEADLINE_SECONDS
from tests.service.conftest import ADMIN
from trainer.jobs import Job, JobNotFound, Jobs, JobsUnavailable

T = TypeVar("T")
POLL_SECONDS = 0.002


def job(revision: int, state: str = "running") -> Job:
    return Job("a-job", state, revision, {"id": "a-job", "words": "two\nlines, é", "request": {}})


class FakeJobs:
    """Returns what it is told to."""

    def __init__(self, now: Job | Exception) -> None:
        self.now = now
        self.looked_up = 0

    def get(self, job_id: str) -> Job:
        self.looked_up += 1
        if isinstance(self.now, Exception):
            raise self.now
        return self.now


def run(scenario: Callable[[FakeJobs, JobPoller], Awaitable[T]]) -> T:
    """Run a scenario on an event loop, with a job of revision 1 that runs."""

    async def within_deadline() -> T:
        jobs = FakeJobs(job(1))
        poller = JobPoller(cast("Jobs", jobs), POLL_SECONDS)
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await scenario(jobs, poller)

    return asyncio.run(within_deadline())


async def rest(events: AsyncGenerator[bytes, None]) -> list[bytes]:
    return [part async for part in events]


def test_an_event_is_one_line_of_json_with_the_revision_as_its_id() -> None:
    number, name, data, *end = event(job(7), first=True).decode().split("\n")
    assert (number, name, end) == ("id: 7", "event: job", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == job(7).document


def test_first_and_last_event_have_long_members_and_those_between_have_not() -> None:
    assert b'"request"' in event(job(1), first=True)
    assert b'"request"' not in event(job(2), first=False)
    assert b'"request"' in event(job(3, "failed"), first=False)


def test_watcher_gets_every_change_until_the_job_ends() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        events = poller.events(job(1))
        assert await anext(events) == event(job(1), first=True)
        for revision in (2, 3):
            jobs.now = job(revision)
            assert await anext(events) == event(job(revision), first=False)
        jobs.now = job(4, "promoted")
        assert await rest(events) == [event(job(4, "promoted"), first=False)]

    run(scenario)


def test_only_an_administrator_gets_the_whole_error() -> None:
    failed = replace(
        job(2, "failed"), document={"error": "line 2"}, whole_error="line 2, got 'hunter2'"
    )

    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        reader, administrator = poller.events(job(1)), poller.events(job(1), whole=True)
        assert await anext(reader) == await anext(administrator)
        jobs.now = failed
        [last], [whole] = await rest(reader), await rest(administrator)
        assert b'"error":"line 2"' in last
        assert b"hunter2" in whole
        assert b"hunter2" not in event(failed, first=True)
        assert b"hunter2" in event(failed, first=True, whole=True)

    run(scenario)


def test_event_ids_grow_if_a_job_is_looked_up_in_an_older_state() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        events = poller.events(job(1))
        await anext(events)
        jobs.now = job(5)
        assert await anext(events) == event(job(5), first=False)
        jobs.now = job(3)
        following = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.05)  # several polls
        assert not following.done()
        jobs.now = job(6)
        assert await following == event(job(6), first=False)
        jobs.now = job(7, "promoted")
        assert await rest(events) == [event(job(7, "promoted"), first=False)]

    run(scenario)


def test_slow_watcher_skips_events_that_are_out_of_date() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        slow, fast = poller.events(job(1)), poller.events(job(1))
        assert await anext(slow) == await anext(fast) == event(job(1), first=True)
        for revision in (2, 3, 4):
            jobs.now = job(revision)
            assert await anext(fast) == event(job(revision), first=False)
        assert await anext(slow) == event(job(4), first=False)

    run(scenario)


def test_a_job_is_looked_up_once_per_poll_however_many_watch_it() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        watchers = [poller.events(job(1)) for _ in range(50)]
        for events in watchers:
            await anext(events)
        waiting = asyncio.gather(*(anext(events) for events in watchers))
        await asyncio.sleep(20 * POLL_SECONDS)
        polled = jobs.looked_up
        jobs.now = job(2)
        assert set(await waiting) == {event(job(2), first=False)}
        assert polled < 50

    run(scenario)


def test_watcher_of_a_job_that_does_not_change_gets_heartbeats() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        events = poller.events(job(1))
        await anext(events)
        assert [await anext(events) for _ in range(2)] == [b": heartbeat\n\n"] * 2
        assert jobs.looked_up >= HEARTBEAT_POLLS
        jobs.now = job(2, "cancelled")
        assert (await rest(events))[-1] == event(job(2, "cancelled"), first=False)

    run(scenario)


def test_watchers_go_on_when_the_database_is_back() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        events = poller.events(job(1))
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        for error in (JobsUnavailable("away"), RuntimeError("odd")):
            jobs.now, before = error, jobs.looked_up
            while jobs.looked_up < before + 3:
                await asyncio.sleep(POLL_SECONDS)
        assert not waiting.done()
        jobs.now = job(2)
        assert await waiting == event(job(2), first=False)

    run(scenario)


def test_a_deleted_job_ends_its_streams() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        events = poller.events(job(1))
        await anext(events)
        jobs.now = JobNotFound("a-job")
        assert await rest(events) == []

    run(scenario)


def test_a_stop_ends_all_streams() -> None:
    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        watchers = [poller.events(job(1)) for _ in range(3)]
        for events in watchers:
            await anext(events)
        ends = asyncio.gather(*map(rest, watchers))
        await asyncio.sleep(5 * POLL_SECONDS)
        poller.stop()
        assert await ends == [[], [], []]
        assert await rest(poller.events(job(1))) == [event(job(1), first=True)]

    run(scenario)


def test_more_watchers_than_the_most_are_refused() -> None:
    streams: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", SEND_STREAM: streams.append}

    async def scenario(jobs: FakeJobs, poller: JobPoller) -> None:
        for _ in range(MAX_WATCHERS):
            poller.response(job(1), environ)
            await anext(streams[-1])
        with pytest.raises(TooManyWatchers):
            poller.response(job(1), environ)
        await streams[0].aclose()
        poller.response(job(1), environ)

    run(scenario)


def test_a_server_without_event_loop_streams_from_its_own_thread(client: FlaskClient) -> None:
    path = urljoin("/retrain", client.post("/retrain", headers=ADMIN).headers["Location"])
    answer = client.get(f"{path}/events", buffered=False)
    assert answer.headers["Content-Type"] == "text/event-stream"
    stream = iter(answer.response)
    first = next(stream)
    assert b'"state":"queued"' in first
    thread = threading.Thread(target=client.delete, args=(path,), kwargs={"headers": ADMIN})
    thread.start()
    last = next(stream)
    assert isinstance(first, bytes)
    assert isinstance(last, bytes)
    assert b'"state":"cancelled"' in last
    assert list(stream) == []
    thread.join()
    number = last.partition(b"\n")[0].removeprefix(b"id: ").decode()
    again = client.get(f"{path}/events", headers={"Last-Event-ID": number})
    assert (again.status_code, again.data) == (204, b"")


def test_the_server_gets_the_stream_and_the_response_has_the_headers(client: FlaskClient) -> None:
    submitted = client.post("/retrain", headers=ADMIN)
    streams: list[Any] = []
    answer = client.get(
        f"/{submitted.headers['Location']}/events",
        headers={"X-Request-ID": "kept"},
        environ_overrides={SEND_STREAM: streams.append},
        buffered=True,
    )
    assert answer.data == b""
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["X-Request-ID"] == "kept"
    assert {"X-Content-Type-Options", "X-Accel-Buffering"} <= set(answer.headers.keys())
    known = services_of(client.application).jobs.get(submitted.get_json()["id"])
    assert asyncio.run(anext(streams[0])) == event(known, first=True)


def test_head_has_the_headers_of_the_stream(client: FlaskClient) -> None:
    path = urljoin("/retrain", client.post("/retrain", headers=ADMIN).headers["Location"])
    answer = client.head(f"{path}/events")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
