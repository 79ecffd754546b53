"""Writes response bodies."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Response, request

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
        stream = zlib.compressobj(_COMPRESSION_LEVEL, wbits=ZLIB_FORMATS[encoding])
        response.set_data(stream.compress(response.get_data()) + stream.flush())
        response.headers["Content-Encoding"] = encoding
    return response
