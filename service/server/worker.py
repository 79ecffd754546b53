"""A worker process of gunicorn's: one loop for all connections, and threads for what takes time.

gunicorn's own threaded worker gives a thread to every request from its first byte on. Here the loop
reads, so that a client that sends slowly holds up nobody; answers plain rows itself, which saves
them the way to a thread and back; and hands all other requests to threads, once they are there as
a whole. Few may wait for a thread: whoever comes then is told so at once.
"""

import contextlib
import errno
import math
import os
import resource
import selectors
import time
from collections.abc import Callable, Iterable
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any
from wsgiref.types import WSGIEnvironment

from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker as GunicornWorker

from service.server.connection import Connection
from service.server.exchange import Exchange
from service.server.heads import Heads
from service.server.incoming import Message
from service.server.refusal import of_malformed, refusal, status_line
from service.server.threads import Threads
from service.telemetry.request_context import RequestContext

TICK_SECONDS = 1.0
MOST_CONNECTIONS = 4_096
STOP_SECONDS = 2.0  # how long a stopping worker waits for requests on open connections
_BODIES_IN_MEMORY = 8  # of the largest that are taken: requests and answers are held in as much
_REFUSED_AT_ONCE = 64  # connections beyond the most, which stay until their clients have seen it
_SPARE = 4  # requests that may wait in any case, of those that are spared
_ANSWERED_AT_ONCE = 16  # of one client's requests, before others have their turn
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
AtOnce = Callable[[WSGIEnvironment, bytes], tuple[bytes, bytes] | None]
_TOO_MUCH = "too much is being sent at the same time"
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Worker(GunicornWorker):  # type: ignore[misc]  # gunicorn has no types
    """Serves the application until it is told to stop.

    The application may have `at_once(environ, body)`, which gives the headers' lines and the body
    of a 200 without taking time, or None; `quick_paths`, which are answered in the loop, too; and
    `spared_paths`, of which a few are taken also when too many requests wait.
    """

    def init_process(self) -> None:
        settings = self.app.settings
        self._most_exchanges: int = settings.threads + settings.max_waiting
        self._deadline_seconds: float = settings.deadline_seconds
        self._most_body_bytes: int = settings.max_body_bytes
        self._most_bytes = _BODIES_IN_MEMORY * self._most_body_bytes
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limited = files != resource.RLIM_INFINITY
        self._most_connections = min(MOST_CONNECTIONS, files // 2) if limited else MOST_CONNECTIONS

        self._selector = selectors.DefaultSelector()
        self._most_threads: int = settings.threads
        self._from_threads: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._access_log = self.app.telemetry.access_log
        self._meter = self.app.telemetry.meter
        self._reading: dict[Connection, None] = {}  # those who wait longest come first
        self._writing: dict[Connection, bool | None] = {}  # whether they stay; None: there is more
        self._exchanges: dict[Exchange, None] = {}  # the oldest first
        self._more: dict[Connection, None] = {}  # of whose requests some may be there already
        self._received = 0  # bytes of requests that are not answered yet
        self._listening = False
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop, then answer what has begun."""
        self._at_once: AtOnce = getattr(self.wsgi, "at_once", lambda environ, body: None)
        self._quick_paths: frozenset[str] = getattr(self.wsgi, "quick_paths", frozenset())
        self._spared_paths: frozenset[str] = getattr(self.wsgi, "spared_paths", frozenset())
        self._heads = {each: Heads(self.cfg, each.getsockname()) for each in self.sockets}
        self._selector.register(self.PIPE[0], selectors.EVENT_READ)
        self._tick_at = 0.0
        self._threads = Threads(self._most_threads, self._work)
        self._listen()
        while self.alive and self.ppid == os.getppid():
            self._turn(TICK_SECONDS)
        self._stop()

    def _turn(self, seconds: float) -> None:
        """Wait for something to do, and do it."""
        events = self._selector.select(0.0 if self._more else self._threads.help() or seconds)
        for key, _ in events:
            client = key.data
            if client is None:
                self._hear_from_threads()
            elif not isinstance(client, Connection):
                # one at a time, so that idle processes share them; more where there is much to do
                try:
                    self._accept(client, 1 + len(events) // 16)
                except Exception:
                    self.log.exception("a connection is not taken")
            elif not client.closed:
                self._guarded(self._write if client in self._writing else self._read, client)
        more, self._more = self._more, {}
        for connection in more:
            self._guarded(self._serve, connection)
        self._access_log.write()
        now = time.monotonic()
        if now >= self._tick_at:
            self._tick_at = now + TICK_SECONDS
            self._tick(now)

    def _tick(self, now: float) -> None:
        """What is to be done once a second."""
        self.notify()
        for connection in [each for each in (*self._reading, *self._writing) if each.overdue(now)]:
            if connection in self._writing or connection.begun is None or connection.lingers:
                self._close(connection)
            else:
                detail = "the request did not come in time"
                environ = connection.incoming.environ
                self._guarded(self._refuse, connection, "slow", 408, detail, environ)
        for exchange in list(self._exchanges):
            if now < exchange.due:
                break
            if not exchange.abandoned:
                self._abandon(exchange)
        if self.alive:
            self._listen()

    def _stop(self) -> None:
        """Answer everybody who has connected, and nobody twice."""
        self.alive = False  # also where it is the master that is gone
        for listener in self.sockets:
            self._accept(listener, math.inf)
        self._listen_no_more()
        for listener in self.sockets:
            listener.close()
        now = time.monotonic()
        idle_until, until = now + STOP_SECONDS, now + self.cfg.graceful_timeout
        while (self._reading or self._writing or self._exchanges) and now < until:
            if now >= idle_until:
                for connection in [each for each in self._reading if each.begun is None]:
                    self._close(connection)
            self._turn(max(0.0, min(TICK_SECONDS, idle_until - now if now < idle_until else 0.1)))
            now = time.monotonic()
        for exchange in self._exchanges:
            if not exchange.connection.handed_over:
                self._close(exchange.connection)
        for connection in (*self._reading, *self._writing):
            self._close(connection)
        self._selector.close()

    # Who connects

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            for listener in self.sockets:
                listener.setblocking(False)
                self._selector.register(listener, selectors.EVENT_READ, listener)

    def _listen_no_more(self) -> None:
        if self._listening:
            self._listening = False
            for listener in self.sockets:
                self._selector.unregister(listener)

    def _accept(self, listener: Any, most: float) -> None:
        accepted = 0
        while accepted < most:
            try:
                client, address = listener.accept()
            except OSError as error:
                if error.errno in _FULL:
                    self.log.warning("no more connections: %s", error.strerror)
                    self._listen_no_more()  # until the next tick
                return
            accepted += 1
            connection = Connection(client, address, self._heads[listener], self._most_body_bytes)
            has_room = self._has_room()
            self._read_on(connection)
            if not has_room:
                detail = "there are too many connections"
                self._guarded(self._refuse, connection, "overloaded", 503, detail)
                if len(self._reading) > self._most_connections + _REFUSED_AT_ONCE:
                    self._listen_no_more()  # until the next tick
                    return

    def _has_room(self) -> bool:
        """Whether one more connection may stay; who has been idle for longest makes room."""
        count = len(self._reading) + len(self._writing) + len(self._exchanges)
        if count < self._most_connections:
            return True
        idle = (each for each in self._reading if each.begun is None)
        longest = next(idle, next(iter(self._reading), None))
        if longest is None or time.monotonic() - longest.since < TICK_SECONDS:
            return False
        self._close(longest)
        return True

    # What they send

    def _read(self, connection: Connection) -> None:
        if connection in self._more:
            return  # what is there comes first
        before = len(connection.incoming)
        is_open = connection.receive()
        self._received += len(connection.incoming) - before
        self._serve(connection)
        # Half closed, a client may still want an answer, but nothing more is to come.
        if not is_open and connection in self._reading and connection not in self._more:
            if connection.begun is not None and not connection.lingers:
                self._refuse(connection, "malformed", 400, "the request is cut short")
            self._close(connection)

    def _serve(self, connection: Connection) -> None:
        """Answer the requests that are there, or a few of them."""
        incoming = connection.incoming
        for _ in range(_ANSWERED_AT_ONCE):
            if connection not in self._reading or connection.lingers:
                return
            before = len(incoming)
            try:
                message = incoming.message()
            except ParseException as error:
                self._received -= before - len(incoming)
                self._refuse(connection, "malformed", *of_malformed(error), incoming.environ)
                return
            self._received -= before - len(incoming)
            if message is not None:
                self._take(connection, message)
            else:
                if self._received > self._most_bytes:
                    self._refuse_largest(self._reading)
                is_refused = connection not in self._reading or connection.lingers
                if not is_refused and incoming.is_awaited():
                    connection.send(_CONTINUE)
                return
        self._more[connection] = None

    def _take(self, connection: Connection, message: Message) -> None:
        """Answer a request, or have a thread do so."""
        begun = time.monotonic()
        head = message.head
        environ = head.environ.copy()
        environ["REMOTE_PORT"] = connection.port
        stays = head.keeps_alive and not message.cut and self.alive
        if stays and (answer := self._at_once(environ, message.body)):
            headers, body = answer
            self._reply(connection, status_line("200 OK", True) + headers + b"\r\n" + body, stays)
            context = RequestContext.from_environ(environ)
            self._access_log.add(context, 200, len(body), time.monotonic() - begun)
            return
        path = environ["PATH_INFO"]
        spare = _SPARE if path in self._spared_paths else 0
        is_quick = path in self._quick_paths
        if not is_quick and (detail := self._refusal(connection, len(message.body), spare)):
            self._refuse(connection, "overloaded", 503, detail, environ, stays=stays)
            return
        exchange = Exchange(
            connection,
            message,
            environ,
            due=begun + self._deadline_seconds,
            unsent=lambda connection: self._have_done(self._write_on, connection),
            closing=lambda: not self.alive,
        )
        self._leave(connection)
        if is_quick:
            exchange.run(self.wsgi, self.cfg, self._access_log)
            self._see_off(exchange)
            return
        connection.give_to_thread()
        self._received += len(message.body)
        self._exchanges[exchange] = None
        self._meter.set_in_flight(len(self._exchanges))
        self._threads.add(exchange)

    def _refusal(self, connection: Connection, size: int, spare: int) -> str:
        """Why a request of that size cannot wait; empty where it can."""
        if len(self._exchanges) >= self._most_exchanges + spare:
            return "too many requests wait already"
        while True:
            unsent = sum(len(each.unsent) for each in self._writing)
            if self._received + size + unsent <= self._most_bytes:
                return ""
            # who has sent more than that, and is not done, makes room
            others = [each for each in self._reading if each is not connection]
            if not self._refuse_largest(others, more_than=size):
                return _TOO_MUCH

    def _refuse_largest(self, connections: Iterable[Connection], more_than: int = 0) -> bool:
        """Refuse whoever has sent most of a request; False where nobody has sent so much."""
        largest = max(connections, key=lambda each: len(each.incoming), default=None)
        if largest is None or len(largest.incoming) <= more_than:
            return False
        environ = largest.incoming.environ
        self._guarded(self._refuse, largest, "overloaded", 503, _TOO_MUCH, environ)
        return True

    # What threads do

    def _work(self, exchange: Exchange) -> None:
        try:
            exchange.run(self.wsgi, self.cfg, self._access_log)
        finally:
            self._have_done(self._finish, exchange)

    def _have_done(self, action: Callable[..., None], *given: Any) -> None:
        """Have the loop do something."""
        self._from_threads.put(lambda: action(*given))
        with contextlib.suppress(OSError):  # full: it is awake as it is
            os.write(self.PIPE[1], b".")

    def _hear_from_threads(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.PIPE[0], 4096)
        with contextlib.suppress(Empty):
            while True:
                action = self._from_threads.get_nowait()
                try:
                    action()
                except Exception:
                    self.log.exception("what a thread asked for failed")

    def _finish(self, exchange: Exchange) -> None:
        del self._exchanges[exchange]
        self._received -= exchange.size
        self._meter.set_in_flight(len(self._exchanges))
        if not exchange.abandoned:
            self._see_off(exchange)
            self._guarded(self._serve, exchange.connection)

    def _abandon(self, exchange: Exchange) -> None:
        """Answer in the thread's stead; it may end, but is not heard any more."""
        connection = exchange.connection
        has_nothing = connection.abandon()
        if connection.handed_over:
            return
        exchange.abandoned = True
        if self._threads.remove(exchange):
            self._finish(exchange)
        self._leave(connection)
        if has_nothing:
            detail = f"this takes longer than {self._deadline_seconds:g} seconds"
            refuse = partial(self._refuse, seconds=time.monotonic() - exchange.begun)
            self._guarded(refuse, connection, "deadline", 503, detail, exchange.environ)
        else:
            self._close(connection)

    def _see_off(self, exchange: Exchange) -> None:
        """See to it that a client has its whole answer, and may ask again."""
        connection = exchange.connection
        if exchange.handed_over:
            self._received -= len(connection.incoming)
        elif connection.unsent:
            self._write_on(connection, exchange.keeps_alive)
        else:
            self._guarded(self._answered, connection, exchange.keeps_alive)

    # What they are sent

    def _refuse(
        self,
        connection: Connection,
        reason: str,
        status: int,
        detail: str,
        environ: WSGIEnvironment | None = None,
        *,
        stays: bool = False,
        seconds: float = 0.0,
    ) -> None:
        environ = environ or {"REMOTE_ADDR": connection.host}
        answer, size = refusal(environ, status, detail, keeps_alive=stays)
        self._access_log.add(RequestContext.from_environ(environ), status, size, seconds)
        self._meter.count_refusal(reason)
        self._reply(connection, answer, stays)

    def _reply(self, connection: Connection, answer: bytes, stays: bool) -> None:
        connection.send(answer)
        if connection.unsent:
            self._leave(connection)
            self._write_on(connection, stays)
        else:
            self._answered(connection, stays)

    def _answered(self, connection: Connection, stays: bool) -> None:
        connection.answered()
        if connection in self._reading:
            del self._reading[connection]  # to the end
            self._reading[connection] = None
        else:
            self._read_on(connection)
        if not stays:
            self._received -= len(connection.incoming)
            connection.say_goodbye()

    def _write(self, connection: Connection) -> None:
        connection.send_rest()
        if not connection.unsent:
            stays = self._writing[connection]
            self._leave(connection)
            if stays is not None:
                self._answered(connection, stays)
                self._serve(connection)

    # Who is where

    def _read_on(self, connection: Connection) -> None:
        """Wait for what a client sends."""
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        self._reading[connection] = None

    def _write_on(self, connection: Connection, stays: bool | None = None) -> None:
        """Send the rest as the client takes it."""
        if connection.closed or not connection.unsent:
            return
        if connection not in self._writing:
            self._selector.register(connection.socket, selectors.EVENT_WRITE, connection)
            self._writing[connection] = stays
        elif stays is not None:  # a thread that says that there is more may be heard late
            self._writing[connection] = stays

    def _leave(self, connection: Connection) -> None:
        """Wait for a client no more."""
        if connection in self._reading or connection in self._writing:
            self._reading.pop(connection, None)
            self._writing.pop(connection, None)
            self._selector.unregister(connection.socket)

    def _close(self, connection: Connection) -> None:
        if not connection.closed:
            self._received -= len(connection.incoming)
            self._leave(connection)
            connection.close()

    def _guarded(self, action: Callable[..., None], connection: Connection, *given: Any) -> None:
        """Do something for a client, who may be gone."""
        if connection.closed:
            return
        try:
            action(connection, *given)
        except OSError:
            self._close(connection)
        except Exception:
            self.log.exception("a connection is closed")
            self._close(connection)
