"""Requests that need much memory and time wait for their turn. Used by the event loop alone."""

import asyncio
from collections.abc import Callable

from service.server.queues.fair_queue import FairQueue


class Dropped(Exception):
    """A request that was removed from a queue, in which it waited, for the sake of another one."""


def not_queued(detail: str) -> bool:
    """Return False, as a request does that waits in no queue and cannot be dropped."""
    return False


class Turns:
    """One request is worked on at a time; the groups of waiting requests take turns.

    While slow clients take their responses, the arrays behind these stay in memory; so there is a
    limit on the responses that are not complete.

    Attributes
    ----------
    queue : requests that wait; each that has begun takes a place until its response is complete
    """

    def __init__(self, responses: int) -> None:
        self.queue = FairQueue[QueuedRequest](responses)
        self._is_working = False

    def begin_next(self) -> None:
        """Begin the turn of the next request unless another one is worked on."""
        if not self._is_working and (found := self.queue.take()):
            self._is_working = True
            found[1].begin()

    def end_work(self) -> None:
        """Let the next request be worked on."""
        self._is_working = False
        self.begin_next()

    def end_response(self, group: str) -> None:
        """Let another response be made."""
        self.queue.release(group)
        self.begin_next()


class QueuedRequest:
    """A request on its way through the queues, with its turn if its body is long.

    A thread that works on after the deadline keeps the turn.

    Attributes
    ----------
    group : of requests that take turns with those of other groups
    held_bytes : of its body
    drop : removes it from the queue in which it waits, with the detail of the error response;
        returns False if it does not wait
    """

    def __init__(self, turns: Turns, group: str = "", held_bytes: int = 0) -> None:
        self.group, self.held_bytes = group, held_bytes
        self.drop: Callable[[str], bool] = not_queued
        self._turns = turns
        self._begun: asyncio.Future[None] | None = None
        self._works = self._responds = False  # whether it takes a place of each kind
        self._is_over = False
        self._threads = 0

    @property
    def has_begun(self) -> bool:
        """Whether the request had to wait for its turn, and has got it."""
        return self._responds

    async def wait(self) -> None:
        """Wait until the request may be worked on.

        Raises
        ------
        Dropped
        """
        self._begun = asyncio.get_running_loop().create_future()
        self._turns.queue.add(self.group, self)
        self._turns.begin_next()
        self.drop = self._drop
        try:
            await self._begun
        finally:
            self._turns.queue.remove(self.group, self)
            self.drop = not_queued  # not a reference cycle

    def begin(self) -> None:
        """Begin the turn; for `Turns`."""
        self._works = self._responds = True
        if self._begun and not self._begun.done():
            self._begun.set_result(None)

    def _drop(self, detail: str) -> bool:
        if not self._turns.queue.remove(self.group, self):
            return False
        if self._begun and not self._begun.done():
            self._begun.set_exception(Dropped(detail))
        return True

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
            self._turns.end_work()
        if self._responds and self._is_over:
            self._responds = False
            self._turns.end_response(self.group)
