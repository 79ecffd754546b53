"""When the watchdog halts a training, and why."""

import pytest

from trainer.training.watchdog import Halt, Stopped, Watchdog


class Clock:
    """Stands until it is moved."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_it_counts_from_its_making() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: False)
    assert watchdog.elapsed == 0.0
    clock.now += 2.5
    assert watchdog.elapsed == 2.5


def test_it_halts_beyond_the_limit_and_not_at_it() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: False)
    clock.now += 60.0
    watchdog.poll()
    clock.now += 0.001
    with pytest.raises(Halt) as halt:
        watchdog.poll()
    assert halt.value.reason is Stopped.TIME


def test_it_halts_when_told_to() -> None:
    told: list[bool] = []
    watchdog = Watchdog(60.0, Clock(), lambda: bool(told))
    watchdog.poll()
    told.append(True)
    with pytest.raises(Halt) as halt:
        watchdog.poll()
    assert halt.value.reason is Stopped.INTERRUPTED


def test_who_interrupts_is_told_so_even_after_the_limit() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: True)
    clock.now += 1000.0
    with pytest.raises(Halt) as halt:
        watchdog.poll()
    assert halt.value.reason is Stopped.INTERRUPTED


def test_the_seconds_of_an_earlier_part_count() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: False)
    clock.now += 5.0  # what it took to get going again does not
    watchdog.resume(50.0)
    assert watchdog.elapsed == 50.0
    clock.now += 10.0
    watchdog.poll()
    clock.now += 0.001
    with pytest.raises(Halt):
        watchdog.poll()


def test_an_iteration_that_has_just_begun_is_left_to_its_end() -> None:
    clock, told = Clock(), [False]
    watchdog = Watchdog(60.0, clock, lambda: told[0], grace_seconds=0.5)
    watchdog.begin()
    told[0] = True
    clock.now += 0.5
    watchdog.poll()
    clock.now += 0.25
    with pytest.raises(Halt):
        watchdog.poll()
    with pytest.raises(Halt):
        watchdog.begin()
