"""As few threads work as will do."""

import threading
import time
from collections.abc import Callable

from service.server.thread_pool import MOMENT_SECONDS, ThreadPool
from tests.patience import DEADLINE_SECONDS, until


def helped(threads: ThreadPool[int], found: Callable[[], object]) -> None:
    """Wait for something, as a loop does that looks after the threads."""

    def look() -> object:
        threads.help()
        return found()

    until(look)


def test_all_is_done_in_order_by_one_thread_where_it_takes_no_time() -> None:
    done: list[tuple[int, int]] = []
    threads: ThreadPool[int] = ThreadPool(
        4, lambda work: done.append((work, threading.get_ident()))
    )
    for work in range(1_000):
        threads.add(work)
    until(lambda: len(done) == 1_000)
    assert [work for work, _ in done] == list(range(1_000))
    for _ in range(3):
        threads.add(0)
    until(lambda: len(done) == 1_003)
    assert threads.help() is None


def test_one_thread_does_all_while_nothing_takes_long() -> None:
    done: list[int] = []

    def do(work: int) -> None:
        time.sleep(MOMENT_SECONDS / 50)  # so that others would come to run
        done.append(threading.get_ident())

    threads = ThreadPool(4, do)
    for work in range(100):
        threads.add(work)
    until(lambda: len(done) == 100)
    assert len(set(done)) == 1


def test_nobody_waits_for_those_that_wait_themselves() -> None:
    """While all threads but one are held up, that one goes on, whatever its work takes."""
    release = threading.Event()
    done: list[int] = []

    def do(work: int) -> None:
        if work < 3:
            release.wait(DEADLINE_SECONDS)
        else:
            time.sleep(2 * MOMENT_SECONDS)
        done.append(work)

    threads = ThreadPool(4, do)
    for work in range(3):
        threads.add(work)
        helped(threads, lambda: not threads._waiting)
    begun = time.monotonic()
    for work in range(3, 23):
        threads.add(work)
    threads.help()
    time.sleep(2 * MOMENT_SECONDS)
    threads.help()
    until(lambda: len(done) == 20)  # nobody looks after them meanwhile
    assert time.monotonic() - begun < 5
    release.set()


def test_work_that_fails_costs_no_thread() -> None:
    done: list[int] = []

    def do(work: int) -> None:
        if not work:
            raise RuntimeError("lost")
        done.append(work)

    threads = ThreadPool(1, do)
    for work in (0, 0, 1):
        threads.add(work)
    until(lambda: done == [1])


def test_others_help_where_one_waits_but_no_more_than_there_are() -> None:
    release = threading.Event()
    begun: list[int] = []
    done: list[int] = []

    def do(work: int) -> None:
        begun.append(work)
        if work < 3:
            release.wait(DEADLINE_SECONDS)
        done.append(work)

    threads = ThreadPool(3, do)
    for work in range(5):
        threads.add(work)
    helped(threads, lambda: begun == [0, 1, 2])
    time.sleep(3 * MOMENT_SECONDS)
    assert threads.help() is None
    assert begun == [0, 1, 2]
    assert done == []
    release.set()
    helped(threads, lambda: len(done) == 5)
    assert sorted(done) == [0, 1, 2, 3, 4]


def test_who_has_helped_leaves_the_rest_to_one() -> None:
    release = threading.Event()
    idents: dict[int, int] = {}

    def do(work: int) -> None:
        if work == 0:
            release.wait(DEADLINE_SECONDS)
        idents[work] = threading.get_ident()

    threads = ThreadPool(2, do)
    threads.add(0)
    threads.add(1)
    helped(threads, lambda: 1 in idents)
    release.set()
    until(lambda: 0 in idents)
    for work in range(2, 100):
        threads.add(work)
    until(lambda: len(idents) == 100)
    assert len({idents[work] for work in range(2, 100)}) == 1


def test_what_has_not_begun_can_be_taken_back() -> None:
    begun, release = threading.Event(), threading.Event()
    done: list[int] = []

    def do(work: int) -> None:
        begun.set()
        release.wait(DEADLINE_SECONDS)
        done.append(work)

    threads = ThreadPool(1, do)
    threads.add(1)
    threads.add(2)
    threads.add(3)
    assert begun.wait(DEADLINE_SECONDS)
    assert not threads.remove(1)
    assert threads.remove(2)
    assert not threads.remove(2)
    release.set()
    until(lambda: done == [1, 3])
