"""Logs as JSON lines: what happens on stderr, one line per request on stdout. Never bodies."""

import contextlib
import logging
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from wsgiref.types import WSGIEnvironment

import orjson
from gunicorn.config import Config
from gunicorn.glogging import Logger

from registry.log_lines import formatter
from service import request_log

# Of which version 00 has no more parts, and others may: W3C, Trace Context, 3.2
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:(?<!^00.{53})-.*)?"
)

_LEVELS = {"service": logging.INFO, "dbos": logging.WARNING}


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, writing JSON."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(formatter())
        self.error_log.handlers = [handler]
        for name, level in _LEVELS.items():
            application = logging.getLogger(name)
            application.handlers = [handler]
            application.setLevel(level)
            application.propagate = False

    def access(
        self, resp: Any, req: Any, environ: WSGIEnvironment, request_time: timedelta
    ) -> None:
        if not self.cfg.accesslog:
            return
        line = {
            "level": "INFO",
            "logger": "access",
            "time": datetime.now(UTC),
            "request_id": request_log.request_id(environ),
            "method": environ.get("REQUEST_METHOD"),
            "path": _path(environ, req),
            "status": int(resp.status.split(None, 1)[0]),
            "duration_ms": round(request_time.total_seconds() * 1000, 3),
            "bytes": resp.sent,
            "client": environ.get("REMOTE_ADDR"),
        }
        if trace := _TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", "")):
            line |= {"trace_id": trace[1], "parent_id": trace[2]}
        line |= request_log.notes(environ)
        # One write, so that lines of several processes do not mix. A log that cannot be written
        # (a full disk, a closed pipe) is no reason to drop a connection.
        with contextlib.suppress(OSError):
            os.write(sys.stdout.fileno(), orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _path(environ: WSGIEnvironment, req: Any) -> str:
    """The path as the client meant it: WSGI hands UTF-8 on as if it were Latin-1."""
    path: str = environ.get("PATH_INFO", getattr(req, "path", None)) or ""
    return path.encode("latin-1", "replace").decode(errors="replace")
