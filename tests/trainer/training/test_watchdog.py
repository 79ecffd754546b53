"""The watchdog: when it halts a training, and the reason."""

import pytest

from trainer.training.watchdog import Halt, Stopped, Watchdog


class Clock:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_elapsed_counts_from_the_creation() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: False)
    assert watchdog.elapsed == 0.0
    clock.now += 2.5
    assert watchdog.elapsed == 2.5


def test_it_halts_after_the_time_limit() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: False)
    clock.now += 60.0
    watchdog.poll()
    clock.now += 0.001
    with pytest.raises(Halt) as halt:
        watchdog.poll()
    assert halt.value.reason is Stopped.TIME


def test_it_halts_on_request() -> None:
    stop: list[bool] = []
    watchdog = Watchdog(60.0, Clock(), lambda: bool(stop))
    watchdog.poll()
    stop.append(True)
    with pytest.raises(Halt) as halt:
        watchdog.poll()
    assert halt.value.reason is Stopped.INTERRUPTED


def test_an_interrupt_takes_precedence_over_the_time_limit() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: True)
    clock.now += 1000.0
    with pytest.raises(Halt) as halt:
        watchdog.poll()
    assert halt.value.reason is Stopped.INTERRUPTED


def test_seconds_before_a_resumption_count() -> None:
    clock = Clock()
    watchdog = Watchdog(60.0, clock, lambda: False)
    clock.now += 5.0  # the time to resume does not count
    watchdog.resume(50.0)
    assert watchdog.elapsed == 50.0
    clock.now += 10.0
    watchdog.poll()
    clock.now += 0.001
    with pytest.raises(Halt):
        watchdog.poll()


@pytest.mark.slow
def test_an_iteration_within_its_grace_is_not_interrupted() -> None:
    clock, stop = Clock(), [False]
    watchdog = Watchdog(60.0, clock, lambda: stop[0], grace_seconds=0.5)
    watchdog.begin()
    stop[0] = True
    clock.now += 0.5
    watchdog.poll()
    clock.now += 0.25
    with pytest.raises(Halt):
        watchdog.poll()
    with pytest.raises(Halt):
        watchdog.begin()
