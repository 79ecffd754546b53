"""Deadlines of tests, scaled by NUMNET_TEST_PATIENCE.

Polling ends as soon as its condition holds, so a long deadline costs only failing tests. On a
machine that does other work at the same time, set the environment variable to a factor above 1.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = float(os.environ.get("NUMNET_TEST_PATIENCE", "1.0"))

T = TypeVar("T")


def seconds(count: float) -> float:
    """Return a number of seconds multiplied by the factor of NUMNET_TEST_PATIENCE."""
    return count * PATIENCE


DEADLINE_SECONDS = seconds(180.0)  # for a request, a process or a thread that should not hang


def until(condition: Callable[[], T | None], timeout: float = 180.0, message: str = "") -> T:
    """Poll a condition until it returns a true value, and return that value.

    Parameters
    ----------
    timeout : seconds before NUMNET_TEST_PATIENCE is applied
    message : what the failure says; by default that the condition did not hold

    Raises
    ------
    AssertionError
        When the condition is still false at the deadline.
    """
    patient = seconds(timeout)
    deadline = time.monotonic() + patient
    pause = 0.005
    while not (value := condition()):
        assert time.monotonic() < deadline, (
            f"{message or 'the condition did not hold'} within {patient:g} s"
        )
        time.sleep(pause)
        pause = min(1.3 * pause, 0.1)  # a condition that holds late need not be asked often
    return value
