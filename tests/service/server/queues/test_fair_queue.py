"""Groups take turns in a queue, and leave a place to each other."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from service.server.queues.fair_queue import SEEN_SECONDS, FairQueue
from tests.clock import Clock

GROUPS = ("", "a", "b", "c")


def taken(queue: FairQueue[int]) -> list[int]:
    """Take all items that may be taken."""
    return [found[1] for found in iter(queue.take, None)]


def test_groups_take_turns_and_items_of_a_group_keep_their_order() -> None:
    queue = FairQueue[int](100)
    for group, items in (("a", (1, 2, 3)), ("b", (10, 11)), ("", (20,))):
        for item in items:
            queue.add(group, item)
    assert taken(queue) == [1, 10, 20, 2, 11, 3]


def test_one_group_takes_every_place_until_another_one_is_seen() -> None:
    clock = Clock()
    queue = FairQueue[int](3, clock)
    for item in range(5):
        queue.add("a", item)
    assert taken(queue) == [0, 1, 2]
    queue.add("b", 10)
    queue.release("a")
    assert taken(queue) == [10]
    queue.release("b")
    assert taken(queue) == []
    assert queue.is_full("a")
    assert not queue.is_full("b")
    clock.seconds += SEEN_SECONDS
    queue.add("a", 5)
    assert taken(queue) == [3]


def test_items_without_a_group_limit_no_group() -> None:
    queue = FairQueue[int](2)
    queue.add("", 10)
    assert taken(queue) == [10]
    queue.release("")
    for item in range(2):
        queue.add("a", item)
    assert taken(queue) == [0, 1]


def test_group_takes_the_only_place() -> None:
    queue = FairQueue[int](1)
    queue.add("b", 10)
    queue.add("a", 0)
    assert taken(queue) == [10]


def test_removed_item_is_not_taken() -> None:
    queue = FairQueue[int](3)
    queue.add("a", 0)
    assert queue.remove("a", 0)
    assert not queue.remove("a", 0)
    assert not queue.has_next()
    assert taken(queue) == []
    assert queue.groups == ()


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "remove"]), st.sampled_from(GROUPS))))
def test_nothing_is_left_when_every_item_has_ended(steps: list[tuple[str, str]]) -> None:
    places = 3
    queue = FairQueue[int](places, Clock())
    waiting: dict[str, list[int]] = {group: [] for group in GROUPS}
    running: Counter[str] = Counter()
    named: set[str] = set()
    for number, (step, group) in enumerate(steps):
        if step == "add":
            queue.add(group, number)
            waiting[group].append(number)
            named |= {group} - {""}
        elif step == "remove" and waiting[group]:
            assert queue.remove(group, waiting[group].pop())
        elif step == "take" and (found := queue.take()):
            assert found[1] == waiting[found[0]].pop(0)
            running[found[0]] += 1
            assert running.total() <= places
        elif running[group]:
            running[group] -= 1
            queue.release(group)
        assert len(queue) == sum(map(len, waiting.values()))
    for group in GROUPS:
        for _ in range(running[group]):
            queue.release(group)
        for item in waiting[group]:
            assert queue.remove(group, item)
    assert queue.groups == ()
    assert len(queue) == 0
