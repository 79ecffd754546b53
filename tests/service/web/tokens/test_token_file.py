"""A change of the file of tokens is followed, and a mistake in it changes nothing."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from service.web.errors import TokensUnavailable
from service.web.tokens.token_file import CHECK_SECONDS, TokenFile
from tests.clock import Clock
from tests.patience import DEADLINE_SECONDS
from tests.service.web.tokens.token_files import line

FIRST, SECOND, ALWAYS = "the-first-t0ken", "a-second-t0ken!", "one-t0ken-always"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(line(FIRST, "read", "pump"))
    return path


@pytest.fixture
def tokens(path: Path, clock: Clock) -> TokenFile:
    return TokenFile(path, clock)


def replace(path: Path, content: str) -> None:
    path.with_name("new").write_text(content)
    path.with_name("new").replace(path)


def edit(path: Path, content: str) -> None:
    path.write_text(content)


def edit_unnoticed(path: Path, content: str) -> None:
    """Edit a file without a change of its size or modification time."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text(content)
    os.utime(path, ns=times)


def swap_link(path: Path, content: str) -> None:
    """Put a link to another file in the file's place, as Kubernetes does."""
    path.with_name("target").write_text(content)
    path.with_name("link").symlink_to("target")
    path.with_name("link").replace(path)


@pytest.mark.parametrize("change", [replace, edit, edit_unnoticed, swap_link])
def test_change_is_followed_after_a_second(
    change: Callable[[Path, str], None], path: Path, tokens: TokenFile, clock: Clock
) -> None:
    assert tokens.find(FIRST)
    change(path, line(SECOND, "read", "pump"))
    assert tokens.find(FIRST)
    clock.seconds += CHECK_SECONDS
    assert tokens.find(SECOND)
    assert tokens.find(FIRST) is None


def test_change_within_a_tick_of_the_clock_is_followed(
    path: Path, tokens: TokenFile, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = path.stat()
    edit(path, line(SECOND, "read", "pump"))
    monkeypatch.setattr(os, "stat", lambda path: status)  # as if the times were the same
    clock.seconds += CHECK_SECONDS
    assert tokens.find(SECOND)


def test_file_is_read_only_if_it_may_have_changed(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        return path.read_bytes()

    monkeypatch.setattr("service.web.tokens.token_file._MAX_CLOCK_TICK_NS", -(10**18))
    monkeypatch.setattr("service.web.tokens.token_file.read_content", read)
    tokens = TokenFile(path, clock)
    for _ in range(3):
        clock.seconds += CHECK_SECONDS
        assert tokens.find(FIRST)
    assert len(reads) == 1


def test_event_loop_looks_tokens_up_without_io_and_leaves_changes_to_threads(
    path: Path, tokens: TokenFile, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.seconds = CHECK_SECONDS / 2
    monkeypatch.setattr(tokens, "_newest_state", None)  # calling it would fail
    assert tokens.find_in_memory(FIRST)
    assert tokens.find_in_memory(SECOND) is None
    assert not tokens.is_due()
    clock.seconds = CHECK_SECONDS
    assert tokens.is_due()
    assert tokens.find_in_memory(FIRST)
    monkeypatch.undo()
    assert tokens.find(FIRST)
    assert not tokens.is_due()


def remove(path: Path) -> None:
    path.unlink()


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


MISTAKES: dict[str, Callable[[Path], None]] = {
    ", line 2: expected three": lambda path: edit(path, f"{line(SECOND, 'read', '*')}what\n"),
    ": expected a token or a comment; the file is empty": lambda path: edit(path, ""),
    ": No such file or directory": remove,
    ": it is not a regular file": put_pipe,
    ": Is a directory": put_folder,
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_mistake_is_logged_once_and_the_last_tokens_remain(
    reason: str, path: Path, tokens: TokenFile, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    MISTAKES[reason](path)
    for _ in range(3):
        clock.seconds += CHECK_SECONDS
        assert tokens.find(FIRST)
        assert tokens.find(SECOND) is None
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(f"NUMNET_TOKENS_FILE={path}{reason}")
    assert record.getMessage().endswith("; the tokens read before remain in force")


def test_each_change_to_a_mistake_is_logged_and_a_repaired_file_is_used(
    path: Path, tokens: TokenFile, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    good = path.read_text()
    for content in ("one\n", "two\n", good, "one\n"):
        replace(path, content)
        clock.seconds += CHECK_SECONDS
        tokens.find(FIRST)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3
    caplog.set_level(logging.INFO)
    replace(path, line(SECOND, "read", "pump"))
    clock.seconds += CHECK_SECONDS
    assert tokens.find(SECOND)
    assert caplog.messages[3:] == [f"1 tokens were read from {path}"]


def test_process_that_found_no_good_file_refuses_until_there_is_one(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("a mistake\n")
    tokens = TokenFile(path, clock)
    with pytest.raises(TokensUnavailable):
        tokens.check_usable()
    assert tokens.find(FIRST) is tokens.find_in_memory(FIRST) is None
    assert "line 1" in caplog.text
    assert "remain in force" not in caplog.text
    edit(path, line(FIRST, "read", "pump"))
    clock.seconds += CHECK_SECONDS
    assert tokens.find(FIRST)
    tokens.check_usable()


@pytest.mark.slow
def test_threads_always_find_a_token_that_every_version_of_the_file_has(path: Path) -> None:
    always = line(ALWAYS, "read", "*")
    contents = [always + line(each, "read", "pump") for each in (FIRST, SECOND)]
    replace(path, contents[1])
    ticks = iter(range(10**9))
    tokens = TokenFile(path, lambda: float(next(ticks)))  # time to look at every call
    stop, missed = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            if tokens.find(ALWAYS) is None or (tokens.find(FIRST) and tokens.find("no-t0ken")):
                missed.append(1)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(40):
        replace(path, contents[number % 2])
    stop.set()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert not missed
    assert tokens.find(SECOND)
    assert tokens.find(FIRST) is None
