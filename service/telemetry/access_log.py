"""One line of JSON for each request, on standard output. Never bodies, queries or tokens."""

import contextlib
import os
import re
import sys
from collections import deque
from datetime import UTC, datetime
from wsgiref.types import WSGIEnvironment

import orjson

from service.telemetry import request_context
from service.telemetry.meter import meter

_AT_ONCE_BYTES = 4096  # as much as a pipe takes from one process before it takes from another

# Of which version 00 has no more parts, and others may: W3C, Trace Context, 3.2
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:(?<!^00.{53})-.*)?"
)


class AccessLog:
    """The lines of one process. Any thread may add one; one thread writes them."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()

    def add(self, environ: WSGIEnvironment, status: int, sent: int, seconds: float) -> None:
        """Note a request that was answered.

        Parameters
        ----------
        environ : what is known of it
        sent : bytes of the answer's body
        seconds : from when all of it had come
        """
        meter.observe(environ, status, seconds)
        self._lines.append(line(environ, status, sent, seconds))

    def write(self) -> None:
        """Write all lines; what cannot be written (a full disk, a closed pipe) is lost."""
        part = b""
        while self._lines:
            each = self._lines.popleft()
            if part and len(part) + len(each) > _AT_ONCE_BYTES:
                _write(part)
                part = b""
            part += each
        if part:
            _write(part)


def line(environ: WSGIEnvironment, status: int, sent: int, seconds: float) -> bytes:
    """A request's line."""
    said = {
        "level": "INFO",
        "logger": "access",
        "time": datetime.now(UTC),
        "request_id": request_context.request_id(environ),
        "method": environ.get("REQUEST_METHOD"),
        "path": _path(environ),
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "bytes": sent,
        "client": environ.get("REMOTE_ADDR"),
    }
    if trace := _TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", "")):
        said["trace_id"], said["parent_id"] = trace[1], trace[2]
    said |= request_context.notes(environ)
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _path(environ: WSGIEnvironment) -> str:
    """The path as the client meant it: WSGI hands UTF-8 on as if it were Latin-1."""
    path: str = environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode(errors="replace")


def _write(lines: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):  # ValueError: it is closed
        os.write(sys.stdout.fileno(), lines)
