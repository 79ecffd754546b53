"""Answers that are given without the application, to what is malformed, too slow or too much."""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

from gunicorn.http import errors as http
from gunicorn.http.errors import ParseException

from service.protocols.error_formats import refusal_document
from service.telemetry.request_context import RequestContext
from service.web.security_headers import SECURITY_LINES

SERVER = "numnet"
RETRY_AFTER_SECONDS = 1


def refusal(
    environ: WSGIEnvironment, status: int, detail: str, *, keeps_alive: bool = False
) -> tuple[bytes, int]:
    """An error as bytes on the wire, in the words of the protocol that was asked; its body's size.

    Parameters
    ----------
    environ : what is known of the request
    keeps_alive : whether the connection may be asked again
    """
    status, content_type, body = refusal_document(environ.get("PATH_INFO", "/"), status, detail)
    head = (
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {RequestContext.from_environ(environ).request_id}\r\n"
        f"{SECURITY_LINES}"
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        head += f"Retry-After: {RETRY_AFTER_SECONDS}\r\n"
    body = b"" if environ.get("REQUEST_METHOD") == "HEAD" else body
    line = f"{status} {HTTPStatus(status).phrase}"
    return status_line(line, keeps_alive) + head.encode() + b"\r\n" + body, len(body)


def status_line(status: str, keeps_alive: bool) -> bytes:
    """How every answer of ours begins: up to the headers that say what it is."""
    return _status_line(status, keeps_alive, int(time.time()))


def of_malformed(error: ParseException) -> tuple[int, str]:
    """Status and words for what gunicorn's parser refused."""
    for kind, status, detail in _MALFORMED:
        if isinstance(error, kind):
            return status, detail
    return 400, f"the request is not valid HTTP: {error}"[:200]


_MALFORMED = (
    (http.LimitRequestLine, 414, "the address is too long"),
    (http.LimitRequestHeaders, 431, "the headers are too many, or too long"),
    (http.ExpectationFailed, 417, "expected 100-continue is all that can be expected"),
    (http.InvalidChunkSize, 400, "the body's chunks are malformed or cut short"),
    (http.UnsupportedTransferCoding, 501, "the body's transfer coding is not known; chunked is"),
)


@lru_cache(8)
def _status_line(status: str, keeps_alive: bool, second: int) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\n"
        f"Server: {SERVER}\r\n"
        f"Date: {formatdate(second, usegmt=True)}\r\n"
        f"Connection: {'keep-alive' if keeps_alive else 'close'}\r\n"
    ).encode()
