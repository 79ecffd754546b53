"""Writes response bodies, and references to the API's own paths."""

import posixpath
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from flask import Response, request

from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, ZLIB_FORMATS

ROWS_AT_A_TIME = 8192

_COMPRESSION_LEVEL = 1  # higher levels take several times as long, and shrink numbers little more


def json_response(document: dict[str, Any], status: int = 200) -> Response:
    """Return a document as a response."""
    return Response(orjson.dumps(document), status, content_type=JSON)


def response_in_parts(
    parts: Iterable[bytes], rows: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response that is streamed if it has many rows, so that memory never holds it all.

    Parameters
    ----------
    rows : the number of rows in it
    """
    body = parts if rows > ROWS_AT_A_TIME else b"".join(parts)
    return Response(body, content_type=media_type, headers=dict(headers or {}))


def compress(response: Response) -> Response:
    """Compress a response's body if the request's Accept-Encoding prefers that."""
    encoding = request.accept_encodings.best_match([*ZLIB_FORMATS, "identity"])
    if encoding in ZLIB_FORMATS:
        parts = _compressed(response.iter_encoded(), ZLIB_FORMATS[encoding])
        if response.is_streamed:
            response.response = parts
        else:
            response.set_data(b"".join(parts))
        response.headers["Content-Encoding"] = encoding
    return response


def _compressed(parts: Iterable[bytes], wbits: int) -> Iterator[bytes]:
    stream = zlib.compressobj(_COMPRESSION_LEVEL, wbits=wbits)
    yield from filter(None, map(stream.compress, parts))
    yield stream.flush()


def reference_to(path: str) -> str:
    """Return a reference to a path of this API, for a response to the current request.

    It begins with the prefix that a trusted proxy says it has stripped. Without one it is relative
    to the request's path, since a proxy may have stripped something (RFC 3986, section 4.2).
    """
    if request.root_path:
        return request.root_path + path
    reference, name = (
        posixpath.relpath(path, posixpath.dirname(sent_path())),
        posixpath.basename(path),
    )
    if name and posixpath.basename(reference) in (".", ".."):
        # a folder, which browsers would ask for with a slash at its end
        return posixpath.normpath(f"{reference}/../{name}")
    return reference


def sent_path() -> str:
    """Return the path of the request as the client or the last proxy sent it."""
    return RequestContext.from_environ(request.environ).path
