"""Admission control: bounds on queued requests and on memory held for clients.

What is bounded is shared by the groups of requests that need it. If there is no room for a request,
a waiting one of a group that holds more gets an error response instead: the newest request of the
largest group, so that a group that floods the server displaces nothing of the others.

Source: B. Suter, T. V. Lakshman, D. Stiliadis and A. K. Choudhury, "Design considerations for
supporting TCP with per-flow queueing", INFOCOM 1998 (longest queue drop).
"""

from collections import Counter
from operator import itemgetter
from typing import Protocol

from service.server.limits import Limits
from service.server.queues.turns import QueuedRequest

TOO_MANY = "too many requests are waiting already"
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
    def group(self) -> str | None:
        """The group of a request that is not complete yet; None before its head is."""

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
    in_flight : requests that threads work on, or that wait for one, by group, the newest last
    held_bytes : of request bodies, from their first byte until they are answered
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clients: set[Client] = set()
        self.unread: set[Client] = set()
        self.in_flight: dict[str | None, list[QueuedRequest]] = {}
        self.held_bytes = 0
        self._idle: list[tuple[float, Client]] = []  # the longest idle last
        self._sorted_at = -LEAST_IDLE_SECONDS

    @property
    def active(self) -> int:
        """Return the number of requests in flight."""
        return sum(map(len, self.in_flight.values()))

    def enter(self, request: QueuedRequest) -> None:
        """Count a request that begins to wait for a thread."""
        self.in_flight.setdefault(request.group, []).append(request)

    def leave(self, request: QueuedRequest) -> None:
        """Count a request that has left its thread or the queue."""
        requests = self.in_flight.get(request.group, [])
        if request in requests:
            requests.remove(request)
        if not requests:
            self.in_flight.pop(request.group, None)

    def release_memory(self, request: QueuedRequest) -> None:
        """Count the body of a request as no longer held."""
        self.held_bytes -= request.held_bytes
        request.held_bytes = 0

    def overload(self, request: QueuedRequest, spared: bool) -> str:
        """Return why a request cannot be queued; empty if it can."""
        bound = self.limits.threads + self.limits.waiting + (SPARE if spared else 0)
        if self.active >= bound and not self._drop_for(request):
            return TOO_MANY
        while self._memory_is_full():
            if not self.make_room(request.group, request.held_bytes):
                return TOO_MUCH
        return ""

    def _memory_is_full(self) -> bool:
        unsent = sum(client.unsent_bytes for client in self.unread)
        return self.held_bytes + unsent > self.limits.memory_bytes

    def _drop_for(self, request: QueuedRequest) -> bool:
        """Drop a waiting request of a group with more in flight; return whether there is one."""
        counts = Counter({group: len(each) for group, each in self.in_flight.items()})
        least = counts[request.group] + 1  # with the request
        return any(
            self._drop_first(self.in_flight[group][::-1], TOO_MANY)
            for group, count in counts.most_common()
            if count > least
        )

    def make_room(self, group: str | None, complete_bytes: int = 0) -> bool:
        """Refuse the largest incomplete request of the group that holds most.

        Parameters
        ----------
        group : which needs the room; if it holds less than another group, a waiting request of that
            is dropped if none is incomplete. None if it is not known
        complete_bytes : of its complete request; only larger ones of the group are refused for it

        Returns
        -------
        made : False if there is no such request
        """
        arriving = [(size, each) for each in self.clients if (size := each.unparsed_bytes)]
        held = Counter({each: sum(map(_held_bytes, of)) for each, of in self.in_flight.items()})
        for size, client in arriving:
            held[client.group] += size
        least = -1 if group is None else held[group] + complete_bytes
        for other, count in held.most_common():
            if other == group or count <= least:
                break
            if _refuse_largest(arriving, {other}) or (
                group is not None and self._drop_largest(other)
            ):
                return True
        return _refuse_largest(arriving, {group, None}, complete_bytes)

    def _drop_largest(self, group: str | None) -> bool:
        newest_first = [each for each in self.in_flight.get(group, []) if each.held_bytes][::-1]
        return self._drop_first(sorted(newest_first, key=_held_bytes, reverse=True), TOO_MUCH)

    def _drop_first(self, requests: list[QueuedRequest], detail: str) -> bool:
        """Drop the first request that waits in a queue; return False if none does."""
        for request in requests:
            if request.drop(detail):
                self.leave(request)
                self.release_memory(request)
                return True
        return False

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


def _held_bytes(request: QueuedRequest) -> int:
    return request.held_bytes


def _refuse_largest(
    arriving: list[tuple[int, Client]], groups: set[str | None], larger_than: int = 0
) -> bool:
    """Refuse the largest incomplete request of some groups; return False if none is larger."""
    found = [(size, each) for size, each in arriving if size > larger_than and each.group in groups]
    if not found:
        return False
    _, largest = max(found, key=itemgetter(0))
    largest.refuse(503, TOO_MUCH, "overloaded")
    return True
