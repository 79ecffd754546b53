"""A server process of gunicorn's: uvicorn's server on uvloop, with a graceful shutdown."""

import asyncio
import contextlib
import logging
import os
import resource
import socket
from collections.abc import Iterator
from dataclasses import replace
from types import FrameType

import uvicorn
import uvloop
from gunicorn.workers.base import Worker as GunicornWorker

from service.server.connection.protocol import Protocol
from service.server.front_door import FrontDoor

log = logging.getLogger(__name__)

ACCEPT_SECONDS = 0.05  # for connections that the kernel had accepted before new ones were dropped
POLL_SECONDS = 0.05


class Worker(GunicornWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves `app.wsgi()`, a `ServedApplication`, within `app.limits`, until a stop signal."""

    _door: FrontDoor | None = None

    def run(self) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limits = self.app.limits
        if files != resource.RLIM_INFINITY:
            limits = replace(limits, max_connections=min(limits.max_connections, files // 2))
        self._door = door = FrontDoor(self.wsgi, limits)
        config = uvicorn_config(door, self.cfg.backlog)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Server(config, self, door).serve(sockets=self.sockets))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Have the next response on every connection close it."""
        if self._door:
            self._door.stopping = True
        super().handle_exit(sig, frame)


def uvicorn_config(door: FrontDoor, backlog: int) -> uvicorn.Config:
    """Return uvicorn's settings; what they switch off is done by `Protocol` and `FrontDoor`."""
    return uvicorn.Config(
        door,
        http=Protocol,
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=[("server", "numnet")],
        backlog=backlog,
    )


class Server(uvicorn.Server):
    """uvicorn's server under gunicorn's supervision."""

    def __init__(self, config: uvicorn.Config, worker: Worker, door: FrontDoor) -> None:
        super().__init__(config)
        self._worker = worker
        self._door = door

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signal handling to gunicorn's worker."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Report to the master, and return whether to stop."""
        self._worker.notify()
        await self._door.check_timeouts()
        is_orphan = self._worker.ppid != os.getppid()
        if self._door.is_stuck():
            log.error("requests block the threads of this process: gunicorn starts another process")
            return True
        return await super().on_tick(counter) or is_orphan or not self._worker.alive

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Respond to every request on a connection that the kernel has accepted by now."""
        clients = self._door.admission.clients
        self._door.stop()
        await asyncio.sleep(ACCEPT_SECONDS)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        loop = asyncio.get_running_loop()
        idle_until = loop.time() + self._door.limits.stop_idle_seconds
        until = loop.time() + self._door.limits.graceful_seconds
        while clients and loop.time() < until:
            self._worker.notify()
            await self._door.check_timeouts()
            if loop.time() >= idle_until:
                for client in list(clients):
                    client.close_if_idle()
            await asyncio.sleep(POLL_SECONDS)
        for client in list(clients):
            client.abort()
