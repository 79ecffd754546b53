"""The log format of every process: lines of JSON, or on a terminal lines for people."""

import logging
import os
from datetime import datetime
from typing import TextIO

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

_MAX_LENGTH = 60  # of an extra's text; longer ones, such as checksums, are for programs
_RESET = "\033[0m"
_GREY, _RED, _YELLOW = "\033[2m", "\033[31m", "\033[33m"


def formatter(stream: TextIO) -> logging.Formatter:
    """Return the formatter of the records that are written to a stream."""
    return _TerminalFormatter(has_colour(stream)) if stream.isatty() else json_formatter()


def json_formatter() -> JsonFormatter:
    """Return a formatter that writes time, level, logger, message and the record's `extra`."""
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
    )


def has_colour(stream: TextIO) -> bool:
    """Return whether a stream shows colours, and they are wanted. Source: no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Return a text with a replacement character for each one that a terminal might obey."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def terminal_line(time: datetime, text: str, *, level: int, colour: bool) -> str:
    """Return a line for people: the time and a text, which may come from a client.

    Parameters
    ----------
    level : of `logging`; warnings and errors have a colour
    """
    shown = printable(text)
    clock = f"{time:%H:%M:%S}"
    if not colour:
        return f"{clock} {shown}"
    begin = _RED if level >= logging.ERROR else _YELLOW if level >= logging.WARNING else ""
    return f"{_GREY}{clock}{_RESET} {begin}{shown}{_RESET if begin else ''}"


class _TerminalFormatter(logging.Formatter):
    """Writes one line per record, without the extras that only programs read."""

    def __init__(self, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        text = " ".join(record.getMessage().splitlines())
        level = f" {record.levelname.lower()}" if record.levelno >= logging.WARNING else ""
        process = "trainer" if record.name.startswith("trainer") else "service"
        line = terminal_line(
            datetime.fromtimestamp(record.created).astimezone(),
            f"{process}{level}: {text}{_extras(record, text)}",
            level=record.levelno,
            colour=self._colour,
        )
        if not record.exc_info:
            return line
        traceback = self.formatException(record.exc_info).split("\n")
        return "\n".join([line, *map(printable, traceback)])


def _extras(record: logging.LogRecord, message: str) -> str:
    """Return the record's short extras that its message does not have."""
    extras = {
        name: str(value)
        for name, value in vars(record).items()
        if name not in RESERVED_ATTRS and isinstance(value, str | int | float)
    }
    shown = [
        f"{name} {value}"
        for name, value in extras.items()
        if value not in message and len(value) <= _MAX_LENGTH
    ]
    return f" ({', '.join(shown)})" if shown else ""
