"""The thread pool runs as few threads at a time as possible."""

import threading
import time
from collections.abc import Callable
from functools import partial

from service.server.queues.thread_pool import WAKE_AFTER_SECONDS, ThreadPool
from tests.patience import DEADLINE_SECONDS, until


def wait_for(pool: ThreadPool, condition: Callable[[], object]) -> None:
    """Wait for a condition while the pool is checked, as the event loop does."""

    def check() -> object:
        pool.wake_if_blocked()
        return condition()

    until(check)


def test_short_tasks_run_in_order() -> None:
    done: list[int] = []
    pool = ThreadPool(4)
    for number in range(1_000):
        pool.add(partial(done.append, number))
    until(lambda: len(done) == 1_000)
    assert done == list(range(1_000))
    pool.add(partial(done.append, 1_000))
    until(lambda: len(done) == 1_001)
    assert pool.wake_if_blocked() is None


def test_one_thread_runs_all_short_tasks() -> None:
    idents: list[int] = []

    def task() -> None:
        time.sleep(WAKE_AFTER_SECONDS / 50)  # so that another thread could run
        idents.append(threading.get_ident())

    pool = ThreadPool(4)
    for _ in range(100):
        pool.add(task)
    until(lambda: len(idents) == 100)
    assert len(set(idents)) == 1


def test_one_free_thread_runs_long_tasks_while_the_others_are_blocked() -> None:
    release = threading.Event()
    done: list[int] = []
    pool = ThreadPool(4)
    blocked: list[int] = []

    def block() -> None:
        blocked.append(0)
        release.wait(DEADLINE_SECONDS)

    def long_task(number: int) -> None:
        time.sleep(2 * WAKE_AFTER_SECONDS)
        done.append(number)

    for count in range(1, 4):
        pool.add(block)
        wait_for(pool, lambda count=count: len(blocked) == count)  # type: ignore[misc]  # a default
    for number in range(20):
        pool.add(partial(long_task, number))
    wait_for(pool, lambda: done)
    until(lambda: len(done) == 20)  # without further checks of the pool
    release.set()


def test_a_failing_task_costs_no_thread() -> None:
    done: list[int] = []
    pool = ThreadPool(1)

    def fail() -> None:
        raise RuntimeError("a fault in a task")

    pool.add(fail)
    pool.add(fail)
    pool.add(partial(done.append, 1))
    until(lambda: done == [1])


def test_blocked_tasks_wake_other_threads_up_to_the_size_of_the_pool() -> None:
    release = threading.Event()
    begun: list[int] = []
    done: list[int] = []

    def task(number: int) -> None:
        begun.append(number)
        if number < 3:
            release.wait(DEADLINE_SECONDS)
        done.append(number)

    pool = ThreadPool(3)
    for number in range(5):
        pool.add(partial(task, number))
    wait_for(pool, lambda: begun == [0, 1, 2])
    time.sleep(3 * WAKE_AFTER_SECONDS)
    assert pool.wake_if_blocked() is None
    assert begun == [0, 1, 2]
    assert done == []
    release.set()
    wait_for(pool, lambda: len(done) == 5)
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_after_a_blocked_task_one_thread_goes_on() -> None:
    release = threading.Event()
    idents: dict[int, int] = {}

    def task(number: int) -> None:
        if number == 0:
            release.wait(DEADLINE_SECONDS)
        idents[number] = threading.get_ident()

    pool = ThreadPool(2)
    pool.add(partial(task, 0))
    pool.add(partial(task, 1))
    wait_for(pool, lambda: 1 in idents)
    release.set()
    until(lambda: 0 in idents)
    for number in range(2, 100):
        pool.add(partial(task, number))
    until(lambda: len(idents) == 100)
    assert len({idents[number] for number in range(2, 100)}) == 1


def test_a_queued_task_can_be_removed_and_a_running_one_cannot() -> None:
    begun, release = threading.Event(), threading.Event()
    done: list[int] = []

    def task(number: int) -> None:
        begun.set()
        release.wait(DEADLINE_SECONDS)
        done.append(number)

    pool = ThreadPool(1)
    tasks = [partial(task, number) for number in range(3)]
    for each in tasks:
        pool.add(each)
    assert begun.wait(DEADLINE_SECONDS)
    assert not pool.remove(tasks[0])
    assert pool.remove(tasks[1])
    assert not pool.remove(tasks[1])
    release.set()
    until(lambda: done == [0, 2])


def test_pool_is_blocked_while_no_thread_is_free() -> None:
    release = threading.Event()

    def wait() -> None:
        release.wait(DEADLINE_SECONDS)

    pool = ThreadPool(2)
    assert pool.blocked_seconds() == 0.0
    for _ in range(2):
        assert pool.blocked_seconds() == 0.0
        pool.add(wait)
        pool.wake_if_blocked()
    wait_for(pool, lambda: pool.blocked_seconds() > 0.05)
    release.set()
    wait_for(pool, lambda: pool.blocked_seconds() == 0.0)


def test_tasks_of_one_group_leave_a_thread_to_another_group() -> None:
    release = threading.Event()
    blocked: list[int] = []
    done: list[str] = []

    def block() -> None:
        blocked.append(0)
        release.wait(DEADLINE_SECONDS)

    pool = ThreadPool(3)
    for group in ("a", "b"):
        pool.add(partial(done.append, group), group)
    wait_for(pool, lambda: done == ["a", "b"])
    for _ in range(4):
        pool.add(block, "a")
    wait_for(pool, lambda: pool.blocked_seconds("a") > 2 * WAKE_AFTER_SECONDS)
    since = pool.blocked_seconds("a")
    assert pool.longest_blocked_seconds() >= since
    assert pool.blocked_seconds("b") == 0.0
    assert len(blocked) == 2
    for number in range(20):
        pool.add(partial(done.append, str(number)), "b")
    wait_for(pool, lambda: len(done) == 22)
    assert len(blocked) == 2
    release.set()
    wait_for(pool, lambda: len(blocked) == 4)
    wait_for(pool, lambda: pool.longest_blocked_seconds() == 0.0)
