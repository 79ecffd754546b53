"""What a request is known by: its id, and what its access log line says beside the usual."""

import re
import secrets
from itertools import count
from typing import Any
from wsgiref.types import WSGIEnvironment

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_ID, _NOTES = "numnet.request_id", "numnet.notes"


class RequestIds:
    """Gives every request its id. One per process, made after the fork."""

    def __init__(self) -> None:
        self._process = secrets.token_hex(8)
        self._next = count(1)

    def identify(self, environ: WSGIEnvironment) -> str:
        """The caller's `X-Request-ID` if it is fit to be logged, else a new one; kept with it."""
        given = environ.get("HTTP_X_REQUEST_ID")
        if given is None or not _ACCEPTABLE_ID.fullmatch(given):
            given = f"{self._process}-{next(self._next):x}"
        environ[_ID] = given
        return given


def request_id(environ: WSGIEnvironment) -> str | None:
    """The id that the request was given; None for one that did not reach the application."""
    return environ.get(_ID)


def note(environ: WSGIEnvironment, **notes: Any) -> None:
    """Add members to the request's access log line."""
    environ[_NOTES] = environ.get(_NOTES, {}) | notes


def notes(environ: WSGIEnvironment) -> dict[str, Any]:
    """What was noted of a request."""
    found: dict[str, Any] = environ.get(_NOTES, {})
    return found
