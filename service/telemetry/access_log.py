"""The access log on standard output: one line per request, without bodies or queries.

It is JSON, or on a terminal a line for people.
"""

import contextlib
import logging
import os
import re
import sys
import threading
from collections import deque
from datetime import UTC, datetime

import orjson

from config.log_format import has_colour, terminal_line
from service.telemetry.meter import Meter
from service.telemetry.request_context import RequestContext

_WRITE_BYTES = 4096  # PIPE_BUF: writes up to this size from several processes do not interleave

_BEHIND_PAGES = ("/static/", "/now/traffic.json")

# Version 00 allows no further fields, later versions do. Source: W3C, Trace Context, 3.2.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:(?<!^00.{53})-.*)?"
)


class AccessLog:
    """The access log of one process. Any thread may add lines; one thread writes them.

    Parameters
    ----------
    meter : counts each request that is added
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lines: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._line = _terminal_line if sys.stdout.isatty() else line

    def add(self, context: RequestContext, status: int, sent: int, seconds: float) -> None:
        """Log and count an answered request; do nothing if that was done before.

        A request that times out is answered twice, by the event loop and later by its thread.

        Parameters
        ----------
        sent : bytes of the response body
        seconds : from the request's last byte to the response's first
        """
        with self._lock:
            if context.done:
                return
            context.done = True
        self._meter.observe(context, status, seconds)
        if text := self._line(context, status, sent, seconds):
            self._lines.append(text)

    def write(self) -> None:
        """Write the lines added so far. Lines are lost if the disk is full or the pipe closed."""
        part = b""
        while self._lines:
            each = self._lines.popleft()
            if part and len(part) + len(each) > _WRITE_BYTES:
                _write(part)
                part = b""
            part += each
        if part:
            _write(part)


def line(context: RequestContext, status: int, sent: int, seconds: float) -> bytes:
    """Return a request's line in the log."""
    entry = {
        "level": "INFO",
        "logger": "access",
        "time": datetime.now(UTC),
        "request_id": context.request_id,
        "method": context.method or None,
        "path": context.path,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "bytes": sent,
        "client": context.client or None,
        "route": context.route,
    }
    if context.traceparent and (trace := _TRACEPARENT.fullmatch(context.traceparent)):
        entry["trace_id"], entry["parent_id"] = trace[1], trace[2]
    if context.model is not None:
        entry["model"] = context.model
    if context.version is not None:
        entry["version"] = context.version
    if context.rows is not None:
        entry["rows"] = context.rows
    if context.job is not None:
        entry["job"] = context.job
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def _terminal_line(context: RequestContext, status: int, sent: int, seconds: float) -> bytes:
    """Return a request's line for people: what was asked, and how it went.

    Return nothing for the files of pages and for the figures that a page asks for all the time, so
    that other requests can be seen. Their errors have lines.
    """
    if status < 400 and context.path.startswith(_BEHIND_PAGES):
        return b""
    text = f"{context.method} {context.path} {status}, {seconds * 1000:.1f} ms"
    if context.rows is not None:
        text += f", {context.rows:,} row{'s' * (context.rows != 1)}"
    if context.version is not None:
        text += f", version {context.version}"
    level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
    time = datetime.now().astimezone()
    return terminal_line(time, text, level=level, colour=has_colour(sys.stdout)).encode() + b"\n"


def _write(lines: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # ValueError: stdout is closed
        os.write(sys.stdout.fileno(), lines)
