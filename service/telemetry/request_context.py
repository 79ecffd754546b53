"""What a request is known by: its id, and what its access log line says beside the usual."""

import re
import secrets
from functools import cache
from itertools import count
from typing import Any
from wsgiref.types import WSGIEnvironment

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_ID, _NOTES = "numnet.request_id", "numnet.notes"


def request_id(environ: WSGIEnvironment) -> str:
    """The caller's `X-Request-ID` if it is fit to be logged, else a new one; kept with it."""
    found: str | None = environ.get(_ID)
    if found is None:
        found = environ.get("HTTP_X_REQUEST_ID")
        if found is None or not _ACCEPTABLE_ID.fullmatch(found):
            process, numbers = _made_here()
            found = f"{process}-{next(numbers):x}"
        environ[_ID] = found
    return found


def note(environ: WSGIEnvironment, **notes: Any) -> None:
    """Add members to the request's access log line."""
    environ[_NOTES] = environ.get(_NOTES, {}) | notes


def notes(environ: WSGIEnvironment) -> dict[str, Any]:
    """What was noted of a request."""
    found: dict[str, Any] = environ.get(_NOTES, {})
    return found


@cache
def _made_here() -> tuple[str, "count[int]"]:
    """What the ids of a process have in common, and what tells them apart; not to be forked."""
    return secrets.token_hex(8), count(1)
