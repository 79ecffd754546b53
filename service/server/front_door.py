"""The ASGI application in front of the WSGI one: admission, threads, deadlines, long responses."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from wsgiref.types import WSGIEnvironment

from service.server import wsgi_bridge
from service.server.admission import Admission
from service.server.application import ServedApplication
from service.server.client_address import Forwarding
from service.server.error_response import error_response, on_the_wire, status_line
from service.server.known_heads import KnownHead, KnownHeads
from service.server.limits import Limits
from service.server.queues.thread_pool import ThreadPool
from service.server.queues.turns import Dropped, QueuedRequest, Turns, not_queued
from service.server.wsgi_bridge import Response
from service.telemetry.request_context import RequestContext

log = logging.getLogger(__name__)

MAX_COMPRESSION = 1032  # of zlib's formats
CLIENTS_PER_TURN = 64  # that are checked before the event loop serves requests


class FrontDoor:
    """Answers the requests of one server process. To be made after the fork.

    Attributes
    ----------
    stopping : whether every response closes its connection
    writer : writes long bodies to files
    """

    def __init__(self, application: ServedApplication, limits: Limits) -> None:
        self.application = application
        self.limits = limits
        self.admission = Admission(limits)
        self.forwarding = Forwarding(application.trusted_proxies)
        self.known_heads = KnownHeads()
        self.stopping = False
        self.writer = ThreadPoolExecutor(1, "upload")
        self._pool = ThreadPool(limits.threads)
        self._turns = Turns(limits.long_responses)
        self._pool_check: asyncio.TimerHandle | None = None
        self._logs = False
        self._check_at = 0.0

    async def __call__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]
    ) -> None:
        """Answer one request, whose body has arrived."""
        began = time.monotonic()
        context: RequestContext = scope["state"]["context"]
        status, sent = 500, 0
        group = self.application.group_of(context.path, scope["headers"])
        request = QueuedRequest(self._turns, group, len(scope["state"]["body"]))
        try:
            response = await self._response(scope, context, request)
            status = response.status
            if response.rest is None:  # nothing is behind it that needs much memory
                request.end()
            elif request.has_begun:
                request.pass_on_after(self.limits.long_response_seconds)
                scope["state"]["connection"].least_rate = self.limits.long_bytes_per_second
            sent = await self._send(response, scope, send, request)
        except Exception:
            status = 500
            raise
        finally:
            request.end()
            self.admission.release_memory(request)
            self._log(context, status, sent, time.monotonic() - began)

    def fast_response(
        self, context: RequestContext, head: KnownHead, body: bytes, date: Any, keep_alive: bool
    ) -> bytes | None:
        """Return a whole response if the fast path has one."""
        began = time.monotonic()
        answer = self.application.fast_path(context, head.query, head.fields, body)
        if answer is None:
            return None
        lines, content = answer
        self._log(context, 200, len(content), time.monotonic() - began)
        return b"".join((status_line(200, date, keep_alive), lines, b"\r\n", content))

    def refusal(self, context: RequestContext, status: int, detail: str, date: Any) -> bytes:
        """Return an error response that closes its connection, as it is sent."""
        response = error_response(self.application, context, status, detail)
        self._log(context, status, len(response.body), 0.0)
        return on_the_wire(response, date, context.method == "HEAD")

    async def check_timeouts(self) -> None:
        """Have every connection check whether its client takes too long."""
        now = asyncio.get_running_loop().time()
        if now < self._check_at:
            return
        self._check_at = now + self.limits.check_seconds
        for index, client in enumerate(list(self.admission.clients), 1):
            client.check_timeouts(now)
            if index % CLIENTS_PER_TURN == 0:
                await asyncio.sleep(0)

    def is_stuck(self) -> bool:
        """Return whether requests have blocked every thread for twice as long as one may take.

        This includes every thread that one group may use: none of its requests is answered until
        another process takes its place, and meanwhile this one responds to the other groups.
        """
        return self._pool.longest_blocked_seconds() > 2 * self.limits.deadline_seconds

    def _is_blocked(self, group: str) -> bool:
        return self._pool.blocked_seconds(group) > self.limits.deadline_seconds

    def stop(self) -> None:
        """Close every connection after the response to the last request on it."""
        self.stopping = True
        self.application.on_stop()
        for client in self.admission.clients:
            client.shutdown()

    async def _response(
        self, scope: Any, context: RequestContext, request: QueuedRequest
    ) -> Response:
        # The environ alone has the body from here on. Connections, tracebacks and requests are in
        # reference cycles, which would keep it until the next garbage collection.
        environ = wsgi_bridge.environ_of(scope, scope["state"].pop("body"), context)
        respond = partial(self._call, environ, context)
        is_quick = self.application.is_quick(context.path)
        needs_thread = not is_quick or context.path in self.application.readiness_paths
        if needs_thread and self._is_blocked(request.group):
            detail = "every thread for this request is blocked"
            return self._error(context, detail, "overloaded")
        if is_quick:
            return respond()
        spared = context.path in self.application.spared_paths
        if detail := self.admission.overload(request, spared):
            return self._error(context, detail, "overloaded")
        try:
            async with asyncio.timeout(self.limits.deadline_seconds):
                if self._may_be_long(scope, request.held_bytes):
                    await self._wait_for_turn(request)
                response: Response = await self._in_thread(respond, request)
        except Dropped as dropped:
            response = self._error(context, str(dropped), "overloaded")
        except TimeoutError:
            detail = f"the request timed out after {self.limits.deadline_seconds:g} seconds"
            response = self._error(context, detail, "deadline")
            response.headers.append((b"connection", b"close"))
        return response

    async def _wait_for_turn(self, request: QueuedRequest) -> None:
        self._enter(request)
        try:
            await request.wait()
        finally:
            self._leave(request)

    def _may_be_long(self, scope: Any, size: int) -> bool:
        """Return whether a body is long, or may be when it is decompressed."""
        is_compressed = any(
            name == b"content-encoding" and value.lower() != b"identity"
            for name, value in scope["headers"]
        )
        return size * (MAX_COMPRESSION if is_compressed else 1) >= self.limits.long_body_bytes

    def _call(self, environ: WSGIEnvironment, context: RequestContext) -> Response:
        try:
            return wsgi_bridge.respond(self.application.wsgi, environ)
        except Exception:
            log.exception("the application failed", extra={"request_id": context.request_id})
            return error_response(self.application, context, 500, "an unexpected error")

    def _error(self, context: RequestContext, detail: str, reason: str) -> Response:
        self.application.meter.count_refusal(reason)
        return error_response(self.application, context, 503, detail)

    async def _send(
        self, response: Response, scope: Any, send: Callable[[Any], Any], request: QueuedRequest
    ) -> int:
        """Send a response, of which no more is made than the client takes; return its size."""
        head = {"status": response.status, "headers": response.headers}
        await send({"type": "http.response.start", **head})
        part, rest, size = response.body, response.rest, 0
        while not scope["state"]["is_closing"]():
            size += len(part)
            more = rest is not None or response.stream is not None
            await send({"type": "http.response.body", "body": part, "more_body": more})
            if rest is not None:
                async with asyncio.timeout(self.limits.deadline_seconds):
                    next_part = partial(wsgi_bridge.next_part, rest)
                    part, is_last = await self._in_thread(next_part, request, may_drop=False)
                rest = None if is_last else rest
            elif response.stream is not None:
                part = await self._next_event(response.stream, scope)
                response.stream = response.stream if part else None
            else:
                break
        if response.stream is not None:
            await response.stream.aclose()
        return 0 if scope["method"] == "HEAD" else size

    async def _next_event(self, stream: AsyncGenerator[bytes, None], scope: Any) -> bytes:
        """Return more of a stream; nothing when it has ended or the client has disconnected."""
        waiting = asyncio.ensure_future(anext(stream, b""))
        scope["state"]["connection"].on_disconnect = waiting.cancel
        try:
            return await waiting
        except asyncio.CancelledError:
            return b""

    async def _in_thread(
        self, work: Callable[[], Any], request: QueuedRequest, *, may_drop: bool = True
    ) -> Any:
        """Return what `work` returns in a thread; if cancelled, it does not run or is not heard.

        Raises
        ------
        Dropped
            The request was dropped while it waited for a thread.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def run() -> None:
            try:
                finish = partial(self._finish, request, future, work(), None)
            except Exception as error:
                finish = partial(self._finish, request, future, None, error)
            loop.call_soon_threadsafe(finish)

        def drop(detail: str) -> bool:
            if not self._pool.remove(run, request.group):
                return False
            self._finish(request, future, None, Dropped(detail))
            return True

        request.drop = drop if may_drop else not_queued
        self._enter(request)
        request.count_threads(1)
        self._pool.add(run, request.group)
        if self._pool_check is None:
            self._check_pool()
        try:
            return await future
        except asyncio.CancelledError:
            drop("")
            raise
        finally:
            request.drop = not_queued  # a reference cycle, which would keep the body

    def _finish(
        self,
        request: QueuedRequest,
        future: "asyncio.Future[Any]",
        result: Any,
        error: Exception | None,
    ) -> None:
        self._leave(request)
        request.count_threads(-1)
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _check_pool(self) -> None:
        seconds = self._pool.wake_if_blocked()
        loop = asyncio.get_running_loop()
        self._pool_check = None if seconds is None else loop.call_later(seconds, self._check_pool)

    def _enter(self, request: QueuedRequest) -> None:
        self.admission.enter(request)
        self.application.meter.set_in_flight(self.admission.active)

    def _leave(self, request: QueuedRequest) -> None:
        self.admission.leave(request)
        self.application.meter.set_in_flight(self.admission.active)

    def _log(self, context: RequestContext, status: int, sent: int, seconds: float) -> None:
        self.application.access_log.add(context, status, sent, seconds)
        if not self._logs:
            self._logs = True
            asyncio.get_running_loop().call_soon(self._write_log)

    def _write_log(self) -> None:
        self._logs = False
        self.application.access_log.write()
