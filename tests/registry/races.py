"""The same attempt from several threads, or processes, at the same time."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.patience import DEADLINE_SECONDS

Attempt = Callable[[int, int], Any]
Race = Callable[[int, int, Attempt], list[list[Any]]]

fork = multiprocessing.get_context("fork")


def in_threads(contestants: int, rounds: int, attempt: Attempt) -> list[list[Any]]:
    """Return the results of `attempt(round, contestant)`: a list per round, in order."""
    barrier = threading.Barrier(contestants)

    def run(contestant: int) -> list[Any]:
        return [attempt(_together(barrier, index), contestant) for index in range(rounds)]

    with ThreadPoolExecutor(contestants) as pool:
        return _by_round(list(pool.map(run, range(contestants))))


def in_processes(contestants: int, rounds: int, attempt: Attempt) -> list[list[Any]]:
    """Do as `in_threads`, with a process for each contestant."""
    barrier = fork.Barrier(contestants)
    results = fork.SimpleQueue()

    def run(contestant: int) -> None:
        outcomes = [attempt(_together(barrier, index), contestant) for index in range(rounds)]
        results.put((contestant, outcomes))

    processes = [fork.Process(target=run, args=(contestant,)) for contestant in range(contestants)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(DEADLINE_SECONDS)
        process.kill()
    assert [process.exitcode for process in processes] == [0] * contestants
    return _by_round([outcomes for _, outcomes in sorted(results.get() for _ in processes)])


def _together(barrier: Any, index: int) -> int:
    barrier.wait(DEADLINE_SECONDS)
    return index


def _by_round(by_contestant: list[list[Any]]) -> list[list[Any]]:
    return [list(outcomes) for outcomes in zip(*by_contestant, strict=True)]
