"""Server-sent events: any number of watchers of retraining jobs, and one poller for all of them.

The poller looks each watched job up twice a second, on the server's event loop. A watcher is an
async generator: one that reads slowly is suspended, and skips events that are out of date.
"""

import asyncio
import logging
import resource
from collections.abc import AsyncGenerator, Callable, Iterator
from wsgiref.types import WSGIEnvironment

import orjson
from flask import Response

from service.web.errors import TooManyWatchers
from trainer.jobs import Job, JobNotFound, Jobs, JobsUnavailable

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
HEARTBEAT_POLLS = 30  # every 15 s, so that proxies keep the connection and dead ones are noticed
MAX_WATCHERS = 1_000
WATCHERS_PER_TURN = 8  # that are woken before the event loop serves other requests
LONG_MEMBERS = ("request", "decisions", "loss_history")
SEND_STREAM = "numnet.send_stream"  # the server's function that takes a stream for the event loop
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would buffer events
}
_HEARTBEAT = b": heartbeat\n\n"

News = tuple[Job, bytes] | None


def event(job: Job, first: bool, *, whole: bool = False) -> bytes:
    """Return a job as an event, whose id is the job's revision.

    The first event of a connection and the last of a job have the whole job. Those between leave
    out the long members, which would only be repeated.
    """
    document = job.whole_document if whole else job.document
    if job.active and not first:
        document = {key: value for key, value in document.items() if key not in LONG_MEMBERS}
    return b"id: %d\nevent: job\ndata: %s\n\n" % (job.revision, orjson.dumps(document))


class JobPoller:
    """Polls the jobs that are watched in one process. To be made after the fork."""

    def __init__(self, jobs: Jobs, poll_seconds: float = POLL_SECONDS) -> None:
        self._jobs = jobs
        self._poll_seconds = poll_seconds
        self._latest: dict[str, Job] = {}
        self._waiting: dict[str, dict[asyncio.Future[News], int]] = {}  # the revisions they have
        self._task: asyncio.Task[None] | None = None
        self._watchers = 0
        self._stopped = False
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limited = files != resource.RLIM_INFINITY
        self._most_watchers = min(MAX_WATCHERS, files // 4) if limited else MAX_WATCHERS

    def latest(self, job_id: str) -> Job:
        """Return a job as it was within the last poll.

        Raises
        ------
        JobNotFound, JobsUnavailable
        """
        return self._latest.get(job_id) or self._jobs.get(job_id)

    def response(self, job: Job, environ: WSGIEnvironment, *, whole: bool = False) -> Response:
        """Return the response that streams a job's events.

        Parameters
        ----------
        whole : whether an error is shown as administrators see it

        Raises
        ------
        TooManyWatchers
        """
        if environ["REQUEST_METHOD"] == "HEAD":
            return Response(headers=_HEADERS)
        if self._watchers >= self._most_watchers:
            raise TooManyWatchers(f"{self._watchers} watchers are the most that a process can have")
        send_stream: Callable[[AsyncGenerator[bytes, None]], None] | None = environ.get(SEND_STREAM)
        if send_stream is None:  # a server without an event loop
            events = JobPoller(self._jobs, 0.0).events(job, whole=whole)
            return Response(_in_this_thread(events), headers=_HEADERS)
        send_stream(self.events(job, whole=whole))
        return Response(headers=_HEADERS)

    async def events(self, job: Job, *, whole: bool = False) -> AsyncGenerator[bytes, None]:
        """Yield a job's events until it ends.

        Parameters
        ----------
        whole : whether an error is shown as administrators see it
        """
        self._watchers += 1
        try:
            yield event(job, first=True, whole=whole)
            while job.active and (news := await self._news(job)):
                latest, content = news
                if content is not _HEARTBEAT:  # ids grow: a job without news may be an older one
                    job = latest
                is_whole = whole and job.whole_error
                yield event(job, first=False, whole=True) if is_whole else content
        finally:
            self._watchers -= 1

    def stop(self) -> None:
        """End all streams."""
        self._stopped = True
        for job_id in list(self._waiting):
            for waiting in self._waiting.pop(job_id):
                _wake(waiting, None)

    async def _news(self, job: Job) -> News:
        """Wait for an event that is newer than the job; None if there will be none."""
        if self._stopped:
            return None
        latest = self._latest.get(job.id, job)
        if latest.revision > job.revision:
            return latest, event(latest, first=False)
        waiting: asyncio.Future[News] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job.id, {})[waiting] = job.revision
        if self._task is None:
            self._task = asyncio.create_task(self._poll())
        return await waiting

    async def _poll(self) -> None:
        """Look up every job that is watched, until none is."""
        polls = 0
        while self._watchers and not self._stopped:
            polls += 1
            self._waiting = {job_id: each for job_id, each in self._waiting.items() if each}
            for job_id in list(self._waiting):
                await self._look_up(job_id, heartbeat=polls % HEARTBEAT_POLLS == 0)
            self._latest = {k: job for k, job in self._latest.items() if k in self._waiting}
            await asyncio.sleep(self._poll_seconds)
        self._latest = {}
        self._task = None

    async def _look_up(self, job_id: str, heartbeat: bool) -> None:
        """Look a job up, and wake the watchers that do not have its revision yet."""
        try:
            job = await asyncio.to_thread(self._jobs.get, job_id)
        except JobNotFound:
            for waiting in self._waiting.pop(job_id, {}):
                _wake(waiting, None)
            return
        except JobsUnavailable:
            return  # it may be back at the next poll
        except Exception:
            log.exception("job %s cannot be looked up", job_id)
            return
        self._latest[job_id] = job
        content = event(job, first=False)
        watchers = self._waiting.get(job_id, {})
        for index, (waiting, revision) in enumerate(list(watchers.items()), 1):
            newer = job.revision > revision
            if newer or heartbeat or waiting.done():
                watchers.pop(waiting, None)
                _wake(waiting, (job, content if newer else _HEARTBEAT))
            if index % WATCHERS_PER_TURN == 0:
                await asyncio.sleep(0)


def _wake(waiting: "asyncio.Future[News]", news: News) -> None:
    if not waiting.done():
        waiting.set_result(news)


def _in_this_thread(events: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    with asyncio.Runner() as runner:
        while part := runner.run(_next(events)):
            yield part


async def _next(events: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(events, b"")
