"""Polling with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_SECONDS = 60.0

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], seconds: float = DEADLINE_SECONDS, every: float = 0.02
) -> T:
    """Poll a condition until it returns a true value, and return that value.

    Raises
    ------
    TimeoutError
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the condition did not hold within {seconds:g} s")
        time.sleep(every)
    return value
