"""Requests in flight are counted by group."""

from hypothesis import given
from hypothesis import strategies as st

from service.server.admission import Admission
from service.server.limits import Limits
from service.server.queues.turns import QueuedRequest, Turns


def queued(admission: Admission, group: str, held_bytes: int = 0) -> QueuedRequest:
    """Return a request that waits and can be dropped."""
    request = QueuedRequest(Turns(1), group, held_bytes)
    request.drop = lambda detail: True
    admission.held_bytes += held_bytes
    admission.enter(request)
    return request


@given(st.lists(st.sampled_from("abc"), max_size=20), st.randoms(use_true_random=False))
def test_no_group_is_counted_after_its_last_request(groups: list[str], random: object) -> None:
    admission = Admission(Limits())
    requests = [queued(admission, group) for group in groups]
    assert admission.active == len(requests)
    random.shuffle(requests)  # type: ignore[attr-defined]  # hypothesis gives it no type
    for request in requests:
        admission.leave(request)
        admission.leave(request)  # it was dropped, and its task ends
    assert admission.in_flight == {}


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_group_with_less_than_an_equal_share_is_never_refused(groups: list[str]) -> None:
    admission = Admission(Limits(threads=2, waiting=7))
    for group in groups:
        count = len(admission.in_flight.get(group, []))
        newcomer = QueuedRequest(Turns(1), group)
        detail = admission.overload(newcomer, spared=False)
        assert not detail or count + 1 > 9 // 3
        if not detail:
            newcomer.drop = lambda detail: True
            admission.enter(newcomer)
        assert admission.active <= 9


def test_memory_is_taken_from_the_largest_request_of_the_group_that_holds_most() -> None:
    admission = Admission(Limits(body_bytes=50, buffered_bodies=2))
    small, large, other = (
        queued(admission, group, size) for group, size in (("a", 30), ("a", 45), ("b", 20))
    )
    newcomer = QueuedRequest(Turns(1), "b", 10)
    admission.held_bytes += 10
    assert admission.overload(newcomer, spared=False) == ""
    assert admission.in_flight == {"a": [small], "b": [other]}
    assert admission.held_bytes == 60
    assert large.held_bytes == 0


def test_request_without_a_body_is_not_dropped_for_memory() -> None:
    admission = Admission(Limits(body_bytes=50, buffered_bodies=2))
    running, waiting = queued(admission, "a", 95), queued(admission, "a")
    running.drop = lambda detail: False
    newcomer = QueuedRequest(Turns(1), "b", 10)
    admission.held_bytes += 10
    assert admission.overload(newcomer, spared=False)
    assert admission.in_flight == {"a": [running, waiting]}
