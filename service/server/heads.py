"""What comes before a request's body; gunicorn's parser has the word on what is valid."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from wsgiref.types import WSGIEnvironment

from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import ParseException, UnsupportedTransferCoding
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

_REMEMBERED = 1_024
_REMEMBERED_BYTES = 2 * 1024
_HOST = re.compile(r"[\w.~!$&'()*+,;=%:\[\]-]*", re.ASCII)

Address = tuple[Any, ...]


class Malformed(ParseException):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn's parser would go on reading, or takes though HTTP does not allow it."""


@dataclass(frozen=True, eq=False)
class Head:
    """A request's head.

    Attributes
    ----------
    request : as gunicorn parsed it; shared by all requests with this head, so not to be changed
    environ : WSGI's, but for the client's port and the body
    length : of the body in bytes; None where it comes in chunks
    keeps_alive : whether the client will take another answer on this connection
    expects : whether the client waits for a word before it sends the body
    """

    request: Request
    environ: WSGIEnvironment
    length: int | None
    keeps_alive: bool
    expects: bool


class Heads:
    """Parses heads, and remembers some: clients send the same one again and again.

    Parameters
    ----------
    server : the address that the listener is bound to
    """

    def __init__(self, config: Config, server: Address) -> None:
        self._config = config
        self._server = server
        self._recall: Callable[[bytes, str], Head] = lru_cache(_REMEMBERED)(self._parse)

    def parse(self, head: bytes, host: str) -> Head:
        """The head of a request from that host.

        Raises
        ------
        ParseException
        """
        return (self._recall if len(head) <= _REMEMBERED_BYTES else self._parse)(head, host)

    def _parse(self, head: bytes, host: str) -> Head:
        client = (host, 0)
        try:
            request = Request(self._config, IterUnreader([head]), client)
        except (StopIteration, OSError):
            raise Malformed("the request line is missing") from None
        _judge(request)
        expects, request._expected_100_continue = request._expected_100_continue, False
        _, environ = wsgi.create(request, None, client, self._server, self._config)
        for name in ("gunicorn.socket", "wsgi.early_hints", "wsgi.input"):
            del environ[name]
        environ.pop("HTTP_TRANSFER_ENCODING", None)  # of a body that is handed on in one piece
        environ["wsgi.multithread"] = True
        reader = request.body.reader
        length = None if isinstance(reader, ChunkedReader) else reader.length
        return Head(request, environ, length, not request.should_close(), expects)


def _judge(request: Request) -> None:
    """What RFC 9112 asks for beyond gunicorn's parser: sections 2.3, 3.2, 7 and 9.6."""
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        values.setdefault(name, []).append(value)
    hosts = values.get("HOST", [])
    if len(hosts) > 1 or (not hosts and request.version >= (1, 1)):
        raise Malformed("one Host header is expected")
    if not all(map(_HOST.fullmatch, hosts)):
        raise Malformed("the Host header names no host")
    for coding in values.get("TRANSFER-ENCODING", []):
        if coding.strip().lower() != "chunked":
            raise UnsupportedTransferCoding(coding)
    options = ",".join(values.get("CONNECTION", [])).lower().split(",")
    if "close" in map(str.strip, options):
        request.force_close()
    request.version = min(request.version, (1, 1))  # as answers name it
