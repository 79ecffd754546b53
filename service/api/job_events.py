"""Server-sent events: many watchers of jobs, and one thread for all of them.

A thread that streamed to a watcher would be lost to everybody else for as long. So the connection
is handed over: one thread of the process looks each watched job up twice a second, however many
watch it, and writes what is new to their sockets as they take it.
"""

import contextlib
import logging
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from wsgiref.types import WSGIEnvironment

import orjson
from flask import Response
from werkzeug.datastructures import Headers

from service.server.refusal import status_line
from service.web.errors import TooManyWatchers
from trainer.jobs import Job, JobNotFound, Jobs, JobsUnavailable

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0  # so that proxies keep the connection, and dead ones are noticed
MAX_WATCHERS = 1_000
LONG_PARTS = ("request", "decisions", "loss_history")
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would wait for more
}
_HEARTBEAT = b": still here\n\n"


def event(job: Job, first: bool) -> bytes:
    """A job as an event; its id is the job's revision.

    The first event of a connection is the whole job, and so is the last of the job; those between
    leave out the long parts, which they would only repeat.
    """
    document = job.document
    if job.active and not first:
        document = {key: value for key, value in document.items() if key not in LONG_PARTS}
    return b"id: %d\nevent: job\ndata: %s\n\n" % (job.revision, orjson.dumps(document))


@dataclass(eq=False)
class Watcher:
    """One connection.

    Attributes
    ----------
    job_id : whom it watches
    unsent : what its socket has not taken yet
    revision : of the newest event that it was given
    next : the newest event, where one came meanwhile; those between are left out
    ends : whether that was the last one
    """

    connection: socket.socket
    job_id: str
    unsent: bytes
    revision: int
    next: bytes = b""
    ends: bool = False

    def offer(self, content: bytes) -> None:
        """Send an event as soon as the one before is out."""
        if self.unsent:
            self.next = content
        else:
            self.unsent = content

    def send(self) -> None:
        """Send what the socket takes; raises `OSError` where nobody is there any more."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                sent = self.connection.send(self.unsent)
                self.unsent = self.unsent[sent:]
                if not self.unsent:
                    self.unsent, self.next = self.next, b""


class Watchers:
    """All watchers of one process. To be made after the fork."""

    def __init__(self, jobs: Jobs, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._new: SimpleQueue[Watcher] = SimpleQueue()
        self._latest: dict[str, Job] = {}
        self._count = 0
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limited = files != resource.RLIM_INFINITY
        self._most = min(MAX_WATCHERS, files // 2) if limited else MAX_WATCHERS

    def latest(self, job_id: str) -> Job:
        """A job as it was within the last half second.

        Raises
        ------
        JobNotFound, JobsUnavailable
        """
        return self._latest.get(job_id) or self._jobs.get(job_id)

    def response(self, job: Job, environ: WSGIEnvironment) -> Response:
        """The answer to somebody who wants to watch.

        Raises
        ------
        TooManyWatchers
        """
        if environ["REQUEST_METHOD"] == "HEAD":
            return Response(headers=_HEADERS)
        hand_over = environ.get("numnet.hand_over")
        if hand_over is None:  # another server: its thread has to stay
            return Response(self._stream(job), headers=_HEADERS)
        if self._count >= self._most:
            raise TooManyWatchers(f"{self._count} watchers are as many as this process can have")
        response = Response(headers=_HEADERS)
        response.response = self._handed_over(job, hand_over, response.headers)
        return response

    def _handed_over(
        self, job: Job, hand_over: Callable[[], socket.socket], headers: Headers
    ) -> Iterator[bytes]:
        """Yields nothing: by the time it would be written, others have the connection.

        Parameters
        ----------
        headers : of the answer, as they are by then
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = status_line("200 OK", keeps_alive=False) + lines.encode("latin-1") + b"\r\n"
        greeting = head + event(job, first=True)
        self._add(Watcher(hand_over(), job.id, greeting, job.revision))
        yield from ()

    def _stream(self, job: Job) -> Iterator[bytes]:
        yield event(job, first=True)
        pause = threading.Event()
        while job.active:
            pause.wait(POLL_SECONDS)
            newer = self._jobs.get(job.id)
            if newer.revision != job.revision:
                yield event(newer, first=False)
            job = newer

    def _add(self, watcher: Watcher) -> None:
        with self._lock:
            self._count += 1
            if self._thread is None:
                self._waker, self._wakened = socket.socketpair()
                self._waker.setblocking(False)
                self._wakened.setblocking(False)
                self._thread = threading.Thread(target=self._run, name="watchers", daemon=True)
                self._thread.start()
        self._new.put(watcher)
        with contextlib.suppress(BlockingIOError):  # it is awake as it is
            self._waker.send(b"\0")

    def _run(self) -> None:
        watched: set[Watcher] = set()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wakened, selectors.EVENT_READ)
            poll_at = heartbeat_at = 0.0
            while True:
                for key, _ in selector.select(
                    max(0.0, poll_at - self._clock()) if watched else None
                ):
                    if key.data is None:
                        self._wakened.recv(4096)
                    elif _is_gone(key.data):
                        self._drop(key.data, watched, selector)
                while not self._new.empty():
                    self._welcome(self._new.get(), watched, selector)
                now = self._clock()
                if now >= poll_at:
                    poll_at = now + POLL_SECONDS
                    self._look_up(watched)
                    if now >= heartbeat_at:
                        heartbeat_at = now + HEARTBEAT_SECONDS
                        for watcher in watched:
                            watcher.unsent = watcher.unsent or _HEARTBEAT
                for watcher in list(watched):
                    self._send(watcher, watched, selector)
                if not watched:
                    self._latest = {}  # nobody keeps it up to date

    def _welcome(
        self, watcher: Watcher, watched: set[Watcher], selector: selectors.BaseSelector
    ) -> None:
        try:
            selector.register(watcher.connection, selectors.EVENT_READ, watcher)
        except (OSError, ValueError):  # it is closed, or there are too many
            log.exception("a watcher is turned away")
            watcher.connection.close()
            with self._lock:
                self._count -= 1
            return
        watched.add(watcher)

    def _look_up(self, watched: set[Watcher]) -> None:
        """Offer every watcher what is new of its job; a job is looked up and written down once."""
        latest = {}
        for job_id in {watcher.job_id for watcher in watched}:
            mine = [watcher for watcher in watched if watcher.job_id == job_id]
            try:
                job = self._jobs.get(job_id)
                content = event(job, first=False)
            except JobNotFound:
                for watcher in mine:
                    watcher.ends = True
                continue
            except JobsUnavailable:
                continue  # it may be back next time
            except Exception:  # this thread is everybody's
                log.exception("job %s cannot be looked up", job_id)
                continue
            latest[job_id] = job
            for watcher in mine:
                if watcher.revision != job.revision:
                    watcher.revision = job.revision
                    watcher.offer(content)
                watcher.ends = not job.active
        self._latest = latest

    def _send(
        self, watcher: Watcher, watched: set[Watcher], selector: selectors.BaseSelector
    ) -> None:
        try:
            watcher.send()
        except OSError:
            self._drop(watcher, watched, selector)
            return
        if watcher.ends and not watcher.unsent:
            self._drop(watcher, watched, selector)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if watcher.unsent else 0)
        if selector.get_key(watcher.connection).events != wanted:
            selector.modify(watcher.connection, wanted, watcher)

    def _drop(
        self, watcher: Watcher, watched: set[Watcher], selector: selectors.BaseSelector
    ) -> None:
        if watcher in watched:
            watched.remove(watcher)
            selector.unregister(watcher.connection)
            watcher.connection.close()
            with self._lock:
                self._count -= 1


def _is_gone(watcher: Watcher) -> bool:
    """Whether the other side has closed; what else it sends is of no interest."""
    try:
        return not watcher.connection.recv(4096)
    except BlockingIOError:
        return False  # it can be written to
    except OSError:
        return True
