"""Checks of a request's head that the parser leaves open."""

import errno
import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import httptools

from service.server.limits import Limits

Headers = list[tuple[bytes, bytes]]

_HOST = re.compile(rb"[\w.~!$&'()*+,;=%:\[\]-]*", re.ASCII)
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(/.*)")
_REQUEST_LINE = re.compile(rb"[\w!#$%&'*+.^`|~-]+ [!-~]+ HTTP/1", re.ASCII)
_TOO_LARGE = "the header fields are too many or too long"
_UNKNOWN_CODING = "the transfer coding is unknown; chunked is supported"


class Refused(Exception):
    """A request that is not passed on to the application."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def check_head(version: str, method: bytes, target: bytes, headers: Headers, limits: Limits) -> int:
    """Return the length of the body as it is declared; 0 if it is not.

    Source: RFC 9112, sections 2.3, 3.2, 6.1 and 7; RFC 9110, section 10.1.1.

    Raises
    ------
    Refused
    """
    if not version.startswith("1"):
        raise _wrong_version(version)
    if method == b"CONNECT":
        raise Refused(501, "CONNECT is not supported")
    if target == b"*" and method != b"OPTIONS":
        raise Refused(400, "the request target * goes with OPTIONS")
    if not _has_path(target):
        raise Refused(400, "the request target is malformed")
    if len(headers) > limits.fields:
        raise Refused(431, _TOO_LARGE)
    length = hosts = 0
    for name, value in headers:
        if len(name) + len(value) > limits.field_bytes:
            raise Refused(431, _TOO_LARGE)
        if name == b"host":
            hosts += 1 if _HOST.fullmatch(value) else 2
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding" and (value.lower() != b"chunked" or version == "1.0"):
            raise Refused(501, _UNKNOWN_CODING)
        elif name == b"expect" and value.lower() != b"100-continue":
            raise Refused(417, "the only expectation that is supported is 100-continue")
    if hosts > 1 or (not hosts and version != "1.0"):
        raise Refused(400, "exactly one valid Host header is expected")
    return length


def origin_form(target: bytes, headers: Headers) -> bytes:
    """Return the path and query of a target; the host of an absolute one becomes the Host field.

    Source: RFC 9112, section 3.2.2.

    Raises
    ------
    Refused
    """
    if target.startswith((b"/", b"*")):
        return target
    parts = _ABSOLUTE.fullmatch(target)
    if not parts or not parts[1] or not _HOST.fullmatch(parts[1]):
        raise Refused(400, "the request target is malformed")
    headers[:] = [(name, value) for name, value in headers if name != b"host"]
    headers.append((b"host", parts[1]))
    return parts[2]


def malformed(error: Exception, version: str, data: bytes, headers: Headers) -> Refused:
    """Return the refusal of a head that the parser does not accept.

    Parameters
    ----------
    data : the bytes in which the parser found the error
    headers : the fields before it
    """
    if isinstance(error, httptools.HttpParserInvalidMethodError) and _REQUEST_LINE.match(data):
        return Refused(501, "the request method is unknown")
    if version >= "2":
        return _wrong_version(version)
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    if codings and codings != [b"chunked"]:
        return Refused(501, _UNKNOWN_CODING)
    return Refused(400, f"the request is not valid HTTP: {error}"[:200])


def too_large() -> Refused:
    """Return the refusal of a head, or of trailers, that go on for too long."""
    return Refused(431, _TOO_LARGE)


def unwritable(error: OSError) -> Refused:
    """Return the refusal of a body that cannot be written to its file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Refused(507, "there is no room for the body on the disk")
    return Refused(503, f"the body cannot be written to the disk: {error.strerror}")


def joined(headers: Headers) -> dict[bytes, bytes]:
    """Return header fields by name; the values of a repeated one are joined by commas."""
    fields = dict(headers)
    if len(fields) < len(headers):
        for name in fields:
            fields[name] = b",".join(value for each, value in headers if each == name)
    return fields


@lru_cache(1024)
def path_of(target: bytes) -> str:
    """Return the path of a request target."""
    return unquote_to_bytes(target.partition(b"?")[0]).decode(errors="replace")


@lru_cache(1024)
def _has_path(target: bytes) -> bool:
    """Return whether a target is a path or a URL that has one."""
    try:
        path = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError:
        return False
    return path is not None and path.isascii()


def _wrong_version(version: str) -> Refused:
    if version.startswith("0"):
        return Refused(400, "the request line has no HTTP version")
    return Refused(505, f"HTTP/{version} is not supported; HTTP/1.1 is")
