"""Counters in shared memory outlive the processes that count."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.telemetry.shared_counters import SharedCounters
from tests.patience import until

NAMES = st.text(max_size=40).filter(lambda name: name.isprintable())
COUNTED = st.lists(st.tuples(st.integers(0, 3), NAMES, st.floats(-1e9, 1e9)), max_size=60)


def in_process(work: Callable[[], None]) -> int:
    """Start a process that calls a function, and return its id."""
    process = os.fork()
    if not process:
        with contextlib.suppress(BaseException):
            work()
        os._exit(0)
    return process


@pytest.mark.slow
@given(counted=COUNTED)
@settings(max_examples=100)
def test_readings_equal_what_was_counted(counted: list[tuple[int, str, float]]) -> None:
    counters = SharedCounters(1 << 16)
    counters.allocate(3)
    slots = [counters.claim(slot, 100 + slot) for slot in range(4)]
    expected: list[dict[str, float]] = [{} for _ in slots]
    for slot, name, number in counted:
        slots[slot].numbers[slots[slot].place(name)] += number
        expected[slot][name] = expected[slot].get(name, 0.0) + number
    readings = counters.readings()
    assert [reading.numbers for reading in readings] == expected
    assert [reading.process for reading in readings] == [100, 101, 102, 103]


def test_new_process_in_a_slot_continues_its_counts() -> None:
    counters = SharedCounters()
    first = counters.claim(0, 1)
    first.numbers[first.place("requests")] += 3
    counters.release(0)
    assert counters.readings()[0].process == 0
    second = counters.claim(0, 2)
    second.numbers[second.place("requests")] += 4
    second.numbers[second.place("others")] += 1
    [reading] = counters.readings()
    assert (reading.process, reading.numbers) == (2, {"requests": 7.0, "others": 1.0})


def test_full_slot_counts_known_names_only() -> None:
    counters = SharedCounters(4096)
    slot = counters.claim(0, 1)
    for number in range(1000):
        slot.numbers[slot.place(f"name {number}")] += 1
    slot.numbers[slot.place("name 0")] += 1
    numbers = counters.readings()[0].numbers
    assert 50 < len(numbers) < 200
    assert numbers.pop("name 0") == 2
    assert set(numbers.values()) == {1.0}


def test_concurrent_threads_lose_no_counts() -> None:
    counters = SharedCounters()
    slot = counters.claim(0, 1)

    def count() -> None:
        for number in range(20_000):
            place = slot.place(f"name {number % 50}")
            with slot.lock:
                slot.numbers[place] += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.readings()[0].numbers == {f"name {number}": 1600.0 for number in range(50)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_slot_of_a_killed_process_is_readable() -> None:
    counters = SharedCounters(1 << 16)

    def work(slot: int) -> None:
        mine = counters.claim(slot, os.getpid())
        for number in range(1_000_000):  # more than fit
            mine.numbers[mine.place(f"name {number}")] += 1

    def numbers_of(slot: int) -> dict[str, float]:
        return counters.readings()[slot].numbers

    for slot in range(20):
        counters.allocate(slot)
        process = in_process(partial(work, slot))
        try:
            until(lambda: len(numbers_of(slot)) > 50)  # noqa: B023  # called in this turn only
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        numbers = list(numbers_of(slot).items())
        *complete, (last, count) = numbers
        assert complete == [(f"name {number}", 1.0) for number in range(len(complete))]
        assert last == f"name {len(complete)}"
        assert count in (0.0, 1.0)
