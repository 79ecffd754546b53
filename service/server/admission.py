"""Admission control: bounds on queued requests and on memory held for clients."""

import asyncio
from operator import itemgetter
from typing import Protocol

from service.server.limits import Limits

TOO_MUCH = "too much is being sent at the same time"
REFUSED_AT_ONCE = 64  # connections beyond the bound that stay until their 503 is read
LEAST_IDLE_SECONDS = 1.0  # before a connection is closed in favour of another
SPARE = 4  # queue places beyond the bound, for the paths that are spared


class Client(Protocol):
    """A connection, as far as its memory is concerned."""

    @property
    def unparsed_bytes(self) -> int:
        """Bytes of a request that is not complete yet."""

    @property
    def unsent_bytes(self) -> int:
        """Bytes of responses that the client has not taken yet."""

    @property
    def idle_since(self) -> float | None:
        """When the last response was complete; None during a request."""

    def refuse(self, status: int, detail: str, reason: str) -> None:
        """Drop what has arrived; send an error response after those before it, and close."""

    def abort(self) -> None:
        """Close at once."""

    def close_if_idle(self) -> None:
        """Close unless a request has begun to arrive or is being answered."""

    def shutdown(self) -> None:
        """Close after the response to the last request that has arrived."""

    def check_timeouts(self, now: float) -> None:
        """Close or refuse a client that takes too long."""


class Admission:
    """Counts what one server process holds. Used by the event loop alone.

    Attributes
    ----------
    clients : every open connection
    unread : those that have not taken all of their responses
    active : requests that threads work on, or that wait for one
    held_bytes : of request bodies, from their first byte until they are answered
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clients: set[Client] = set()
        self.unread: set[Client] = set()
        self.active = 0
        self.held_bytes = 0
        self._idle: list[tuple[float, Client]] = []  # the longest idle last
        self._sorted_at = -LEAST_IDLE_SECONDS

    def overload(self, size: int, spared: bool) -> str:
        """Return why a request with a body of that size cannot be queued; empty if it can."""
        bound = self.limits.threads + self.limits.waiting + (SPARE if spared else 0)
        if self.active >= bound:
            return "too many requests are waiting already"
        while self._memory_is_full():
            if not self.make_room(larger_than=size):
                return TOO_MUCH
        return ""

    def _memory_is_full(self) -> bool:
        unsent = sum(client.unsent_bytes for client in self.unread)
        return self.held_bytes + unsent > self.limits.memory_bytes

    def make_room(self, larger_than: int = 0) -> bool:
        """Refuse the largest incomplete request; return False if there is none larger."""
        largest = max(self.clients, key=lambda client: client.unparsed_bytes, default=None)
        if largest is None or largest.unparsed_bytes <= larger_than:
            return False
        largest.refuse(503, TOO_MUCH, "overloaded")
        return True

    def admit_connection(self, client: Client, now: float) -> None:
        """Add a connection; if there are too many, close the longest idle one or refuse it."""
        excess = len(self.clients) - self.limits.max_connections
        self.clients.add(client)
        if excess < 0:
            return
        if idle := self._longest_idle(now):
            idle.abort()
            self.clients.discard(idle)  # so that the next connection replaces another one
        elif excess < REFUSED_AT_ONCE:
            client.refuse(503, "there are too many connections", "overloaded")
        else:
            client.abort()

    def _longest_idle(self, now: float) -> Client | None:
        """Return the connection that has been idle for longest; None if there is none.

        They are sorted at most once a second, as that takes milliseconds.
        """
        latest = now - LEAST_IDLE_SECONDS
        if not self._idle and self._sorted_at <= latest:
            self._sorted_at = now
            times = ((each.idle_since, each) for each in self.clients)
            idle = [(since, each) for since, each in times if since is not None and since <= latest]
            self._idle = sorted(idle, key=itemgetter(0), reverse=True)
        while self._idle:
            since, client = self._idle.pop()
            if client in self.clients and client.idle_since == since:
                return client
        return None


class Turns:
    """Makes requests that need much memory and time wait. Used by the event loop alone.

    One is worked on at a time. While slow clients take their responses, the arrays behind these
    stay in memory; so there is a limit on the responses that are not complete.
    """

    def __init__(self, responses: int) -> None:
        self.work = asyncio.Lock()
        self.responses = asyncio.Semaphore(responses)


class Turn:
    """The turn of a request. A thread that works on after the deadline keeps it."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._works = self._responds = False  # whether it holds one of each
        self._is_over = False
        self._threads = 0

    @property
    def has_begun(self) -> bool:
        """Whether the request had to wait for its turn, and has got it."""
        return self._responds

    async def begin(self) -> None:
        """Wait until the request may be worked on."""
        await self._turns.responses.acquire()
        self._responds = True
        await self._turns.work.acquire()
        self._works = True

    def pass_on_after(self, seconds: float) -> None:
        """Let the next request be worked on after a time, if this one is not complete by then."""
        if self._works:
            asyncio.get_running_loop().call_later(seconds, self._pass_on)

    def end(self) -> None:
        """End the turn as soon as no thread works on the request."""
        self._is_over = True
        self._pass_on()

    def count_threads(self, change: int) -> None:
        """Count a thread that begins to work on the request, or ends."""
        self._threads += change
        if self._is_over:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._is_over and self._threads:
            return
        if self._works:
            self._works = False
            self._turns.work.release()
        if self._responds and self._is_over:
            self._responds = False
            self._turns.responses.release()
