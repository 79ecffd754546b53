"""Processes on terminals of their own."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest

from tests.patience import DEADLINE_SECONDS


class Terminal:
    """A process on a terminal of its own, so that Ctrl-C sends SIGINT."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self._keyboard, self._screen = pty.openpty()
        # the first terminal that a session leader opens becomes its controlling terminal
        on_terminal = ["sh", "-c", 'exec "$@" <>"$0" >&0 2>&0', os.ttyname(self._screen), *command]
        self._process = subprocess.Popen(
            on_terminal, env=environment, cwd=folder, start_new_session=True
        )
        self.shown = ""

    def wait_for(self, text: str) -> Self:
        """Read the output until it contains a text."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while text not in self.shown:
            if not self._read(deadline - time.monotonic()):
                pytest.fail(f"{text!r} was not shown; got {self.shown!r}")
        return self

    def type(self, keys: str) -> Self:
        os.write(self._keyboard, keys.encode())
        return self

    def exit_code(self, keys: str = "") -> int:
        """Read to the end of the output and return the exit code; type `keys` every half second."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            os.write(self._keyboard, keys.encode())
            while self._read(0.5):
                pass
        while self._read(0.0):
            pass
        return self._process.wait(0)

    def send(self, number: signal.Signals) -> Self:
        self._process.send_signal(number)
        return self

    def _read(self, seconds: float) -> bool:
        if not select.select([self._keyboard], [], [], max(0.0, seconds))[0]:
            return False
        try:
            content = os.read(self._keyboard, 65536)
        except OSError:  # EIO on Linux: no process has the terminal open any more
            return False
        if not self.shown:  # keeps the terminal open until the process has opened it
            os.close(self._screen)
        self.shown += content.decode(errors="replace")
        return bool(content)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._keyboard)
        if not self.shown:
            os.close(self._screen)
