"""Log records are JSON for programs, and lines for people on a terminal."""

import io
import json
import logging
import sys
from typing import Any

import pytest

from config.log_format import formatter


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def record(
    message: str, *values: Any, level: int = logging.INFO, **extra: Any
) -> logging.LogRecord:
    return logging.getLogger("trainer.jobs").makeRecord(
        "trainer.jobs", level, "", 0, message, values, None, extra=extra
    )


@pytest.fixture(autouse=True)
def _no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_format_is_json_except_on_a_terminal() -> None:
    assert json.loads(formatter(io.StringIO()).format(record("a")))["message"] == "a"
    assert formatter(Terminal()).format(record("a")).endswith("trainer: a")


def test_terminal_line_has_short_extras_that_the_message_has_not() -> None:
    extra: dict[str, Any] = {
        "version": "3",
        "worker": "vm:1",
        "sha256": "f" * 64,
        "settings": {"port": 1},
    }
    line = formatter(Terminal()).format(record("serving version %s", 3, **extra))
    assert line.endswith(" trainer: serving version 3 (worker vm:1)")


def test_terminal_line_is_one_line_without_control_characters() -> None:
    line = formatter(Terminal()).format(record("a\nb\x1b[31m"))
    assert line.endswith("trainer: a b�[31m")


def test_terminal_line_names_the_level_of_warnings() -> None:
    line = formatter(Terminal()).format(record("full", level=logging.WARNING))
    assert line.endswith("trainer warning: full")


def test_terminal_line_is_followed_by_the_traceback() -> None:
    try:
        raise RuntimeError("\x1b[2Jlost")
    except RuntimeError:
        failed = record("failed", level=logging.ERROR)
        failed.exc_info = sys.exc_info()
    lines = formatter(Terminal()).format(failed).splitlines()
    assert lines[-1] == "RuntimeError: �[2Jlost"
    assert len(lines) > 3


def test_colour_is_left_out_with_no_color_or_a_dumb_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warning = record("full", level=logging.WARNING)
    assert "\033[" not in formatter(Terminal()).format(warning)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert "\033[33m" in formatter(Terminal()).format(warning)
    monkeypatch.setenv("TERM", "dumb")
    assert "\033[" not in formatter(Terminal()).format(warning)
