"""One request, as the access log and the metrics know it."""

import re
import secrets
from dataclasses import dataclass
from functools import cache
from itertools import count
from wsgiref.types import WSGIEnvironment

_ENVIRON_KEY = "numnet.request"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """A request; the fields with a default are filled in while it is answered.

    Attributes
    ----------
    method, path : empty if the request could not be parsed
    client : the client's address; empty if unknown
    traceparent : the W3C Trace Context header, not validated
    prefix : of the client's path, which a trusted proxy has stripped
    route : the URL rule that matched, such as `/models/<version>`
    model, version : that the prediction request is for
    rows : number of rows predicted
    job : id of the retraining job that was submitted
    out_of_range : number of values outside the training range, by feature
    unseen : number of categories that training had not, by feature
    unfamiliar : number of rows unlike all training rows
    done : whether the request has been logged and counted
    """

    method: str
    path: str
    client: str
    request_id: str
    traceparent: str = ""
    prefix: str = ""
    route: str | None = None
    model: str | None = None
    version: str | None = None
    rows: int | None = None
    job: str | None = None
    out_of_range: dict[str, int] | None = None
    unseen: dict[str, int] | None = None
    unfamiliar: int = 0
    done: bool = False

    @classmethod
    def from_environ(cls, environ: WSGIEnvironment) -> "RequestContext":
        """Return the context stored in a WSGI environ; create and store it if there is none."""
        context: RequestContext | None = environ.get(_ENVIRON_KEY)
        if context is None:
            path: str = environ.get("PATH_INFO", "")
            if not path.isascii():  # WSGI decodes UTF-8 as Latin-1
                path = path.encode("latin-1", "replace").decode(errors="replace")
            environ[_ENVIRON_KEY] = context = cls(
                environ.get("REQUEST_METHOD", ""),
                path,
                environ.get("REMOTE_ADDR", ""),
                acceptable_request_id(environ.get("HTTP_X_REQUEST_ID", "")),
                environ.get("HTTP_TRACEPARENT", ""),
            )
        return context

    def store(self, environ: WSGIEnvironment) -> None:
        """Store the context in a WSGI environ, where `from_environ` finds it."""
        environ[_ENVIRON_KEY] = self


def acceptable_request_id(text: str) -> str:
    """Return the caller's request id if it is safe to log, otherwise a new one."""
    if _ACCEPTABLE_ID.fullmatch(text):
        return text
    process, numbers = _process_ids()
    return f"{process}-{next(numbers):x}"


@cache
def _process_ids() -> tuple[str, "count[int]"]:
    """Return the prefix of this process's request ids, and a counter. Call only after the fork."""
    return secrets.token_hex(8), count(1)
