"""A queue in which groups take turns, so that none waits behind all items of another.

The item that is taken next belongs to the group that has waited longest since its last turn (round
robin); within a group it is the oldest. While several groups use the queue, none may have all
places: at least one is left for the others.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

SEEN_SECONDS = 60.0  # a group uses the queue for so long after its last item was added


class FairQueue(Generic[T]):
    """Waiting items, and the number of places that each group has taken.

    Parameters
    ----------
    places : number of items that may be taken and not released
    clock : returns seconds
    """

    def __init__(self, places: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._clock = clock
        self._waiting: dict[str, deque[T]] = {}  # the group whose turn is next comes first
        self._taken: Counter[str] = Counter()
        self._latest = ""
        self._latest_at = self._other_at = -SEEN_SECONDS  # when they were seen

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups that wait or have places."""
        return tuple({**self._waiting, **self._taken})

    def add(self, group: str, item: T) -> None:
        """Add an item; the empty group stands for items without one, and does not limit others."""
        self._waiting.setdefault(group, deque()).append(item)
        if group and group != self._latest:
            self._latest, self._other_at = group, self._latest_at
        if group:
            self._latest_at = self._clock()

    def has_next(self) -> bool:
        """Return whether an item waits whose group may have another place."""
        return not all(map(self.is_full, self._waiting))

    def take(self) -> tuple[str, T] | None:
        """Take the next item of a group that may have another place; None if there is none."""
        group = next((each for each in self._waiting if not self.is_full(each)), None)
        if group is None:
            return None
        items = self._waiting.pop(group)
        item = items.popleft()
        if items:
            self._waiting[group] = items  # behind all others
        self._taken[group] += 1
        return group, item

    def release(self, group: str) -> None:
        """Release a place that an item of a group had taken."""
        self._taken[group] -= 1
        if not self._taken[group]:
            del self._taken[group]

    def remove(self, group: str, item: T) -> bool:
        """Remove a waiting item; return False if it does not wait."""
        items = self._waiting.get(group, ())
        if item not in items:
            return False
        self._waiting[group].remove(item)
        if not items:
            del self._waiting[group]
        return True

    def is_full(self, group: str) -> bool:
        """Return whether a group may not have another place now."""
        return self._taken.total() >= self._places or self._taken[group] >= self._most()

    def _most(self) -> int:
        """Return how many places one group may have."""
        is_shared = self._clock() - self._other_at < SEEN_SECONDS
        return self._places - 1 if is_shared and self._places > 1 else self._places
