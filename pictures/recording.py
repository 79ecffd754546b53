"""Records a shell on a terminal: what its screen shows, and when."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyte

PROMPT = "\x1b[1;32m$\x1b[0m "
_READY = "\x1b]0;ready\x07"  # sets the window's title: not shown, and no command prints it
_KEY_SECONDS = 0.04
_COMMAND_SECONDS = 120.0


@dataclass(frozen=True)
class Run:
    """Characters of one style, side by side.

    Attributes
    ----------
    column : of the first, from 0
    colour : one of pyte's names, such as "green" or "default", or six hexadecimal digits
    """

    column: int
    text: str
    colour: str
    bold: bool


Row = tuple[Run, ...]


@dataclass(frozen=True)
class Frame:
    """A screen, and how many seconds it is shown."""

    rows: tuple[Row, ...]
    seconds: float


class Recording:
    """A shell on a terminal of `columns` times `lines` characters; a context manager."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, columns: int, lines: int
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._states: list[tuple[float, tuple[Row, ...]]] = []
        self._clock = 0.0
        self._keyboard, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._shell = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile", "--noediting"],
            cwd=folder,
            env={**environment, "PS1": _READY + PROMPT, "TERM": "xterm-256color"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)

    def __enter__(self) -> Self:
        self._read_until_ready()
        return self

    def __exit__(self, *error: object) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._keyboard)

    def run(self, command: str, *, pause: float = 1.5) -> None:
        """Type a command, wait until it ends, and then `pause` seconds."""
        for key in command:
            os.write(self._keyboard, key.encode())
            self._read(_KEY_SECONDS)
        self._clock += 0.4
        os.write(self._keyboard, b"\n")
        self._read_until_ready()
        self._clock += pause

    def frames(self) -> list[Frame]:
        """Return the different screens in order."""
        ends = [time for time, _ in self._states[1:]] + [self._clock]
        return [
            Frame(rows, max(0.0, end - begin))
            for (begin, rows), end in zip(self._states, ends, strict=True)
        ]

    def _read_until_ready(self) -> None:
        deadline = time.monotonic() + _COMMAND_SECONDS
        self._screen.set_title("")
        while self._screen.title != "ready":
            if time.monotonic() > deadline:
                raise TimeoutError(f"no prompt after {_COMMAND_SECONDS:.0f} s")
            self._read(0.05)

    def _read(self, seconds: float) -> None:
        """Feed the screen with what the shell writes within some seconds."""
        begun = time.monotonic()
        while (left := begun + seconds - time.monotonic()) > 0:
            if select.select([self._keyboard], [], [], left)[0]:
                self._stream.feed(os.read(self._keyboard, 65536))
        self._clock += seconds
        rows = tuple(self._row(number) for number in range(self._screen.lines))
        if not self._states or rows != self._states[-1][1]:
            self._states.append((self._clock, rows))

    def _row(self, number: int) -> Row:
        cells = self._screen.buffer[number]
        runs: list[Run] = []
        for column in range(self._screen.columns):
            cell = cells[column]
            if cell.data == " ":
                continue
            last = runs[-1] if runs else None
            if (
                last
                and (last.colour, last.bold) == (cell.fg, cell.bold)
                and 0 <= column - last.column - len(last.text) <= 1
            ):
                gap = " " * (column - last.column - len(last.text))
                runs[-1] = Run(last.column, last.text + gap + cell.data, cell.fg, cell.bold)
            else:
                runs.append(Run(column, cell.data, cell.fg, cell.bold))
        return tuple(runs)


def shortened(frames: Sequence[Frame], longest: float) -> list[Frame]:
    """Return frames of which none is shown longer than some seconds."""
    return [Frame(each.rows, min(each.seconds, longest)) for each in frames]
