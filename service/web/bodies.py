"""Bodies: requests' read, inflated and parsed, answers' written."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from flask import Response, current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

JSON = "application/json"
ROWS_AT_A_TIME = 8192

_ZLIB_FORMATS = {"gzip": 31, "deflate": 15}  # as zlib.decompressobj takes them
_PART_BYTES = 16 * 1024
_MAX_STREAMS = 10_000
_LEVEL = 1  # numbers hardly shrink further, and take several times as long


def json_body() -> tuple[object, bytes]:
    """The request's body, parsed and raw.

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
    """
    check_type(JSON)
    body = read_body()
    if not body:
        raise BadRequest("the body is empty; expected a JSON object")
    return parse(body), body


def json_answer(document: dict[str, Any], status: int = 200) -> Response:
    """A document as an answer."""
    return Response(orjson.dumps(document), status, content_type=JSON)


def answer_in_parts(
    parts: Iterable[bytes], rows: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that is sent as it is written where it is long, and is never in memory as a whole.

    Parameters
    ----------
    rows : which it is about
    """
    body = parts if rows > ROWS_AT_A_TIME else b"".join(parts)
    return Response(body, content_type=media_type, headers=dict(headers or {}))


def optional_json_body() -> object:
    """The request's body, parsed; an empty object where there is none, whatever its type.

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
    """
    body = read_body()
    if not body:
        return {}
    check_type(JSON)
    return parse(body)


def check_type(*expected: str) -> str:
    """The media type of the request's body, which is one of those expected.

    Raises
    ------
    UnsupportedMediaType
    """
    if request.mimetype not in expected:
        raise UnsupportedMediaType(
            f"the body is {request.mimetype or 'of no declared type'}; "
            f"expected Content-Type: {' or '.join(expected)}"
        )
    return request.mimetype


def read_body() -> bytes:
    """The request's body, inflated where it is compressed.

    Raises
    ------
    UnsupportedMediaType
        an encoding other than gzip and deflate.
    BadRequest
        compressed data that is malformed or cut short.
    RequestEntityTooLarge
        also of a body that inflates to more than is taken.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity" and encoding not in _ZLIB_FORMATS:
        raise UnsupportedMediaType(
            f"the body is encoded as {encoding}; expected {' or '.join(_ZLIB_FORMATS)}, or plain"
        )
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        body = _received(limit)
        return body if encoding == "identity" else _inflated(body, _ZLIB_FORMATS[encoding], limit)
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"the body is larger than {limit:,} bytes: send fewer rows at once"
        ) from None


def parse(body: bytes) -> object:
    """JSON, parsed.

    Raises
    ------
    BadRequest
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {_reason(error, body)}") from None


def compressed(response: Response) -> Response:
    """An answer in the encoding that the request's Accept-Encoding asks for, if it does."""
    encoding = request.accept_encodings.best_match([*_ZLIB_FORMATS, "identity"])
    if encoding in _ZLIB_FORMATS:
        stream = zlib.compressobj(_LEVEL, wbits=_ZLIB_FORMATS[encoding])
        response.set_data(stream.compress(response.get_data()) + stream.flush())
        response.headers["Content-Encoding"] = encoding
    return response


def _received(limit: int) -> bytes:
    """What came, in one piece: Werkzeug's own stream copies it bit by bit."""
    length = request.content_length if request.environ.get("CONTENT_LENGTH") else None
    if length is None and not request.environ.get("wsgi.input_terminated"):
        return b""
    if length is not None and length > limit:
        raise RequestEntityTooLarge
    body: bytes = request.environ["wsgi.input"].read(limit + 1 if length is None else length)
    if len(body) > limit:
        raise RequestEntityTooLarge
    if length is not None and len(body) < length:
        raise BadRequest("the body is cut short")
    return body


def _inflated(body: bytes, wbits: int, limit: int) -> bytes:
    """One stream after the other, as gzip allows; nothing is inflated beyond the limit."""
    inflated, start = bytearray(), 0
    for _ in range(_MAX_STREAMS + 1):
        if start == len(body):
            return bytes(inflated)
        stream = zlib.decompressobj(wbits)
        while not stream.eof:
            # In parts, as what a stream leaves over is copied.
            part = body[start : start + _PART_BYTES]
            if not part:
                raise BadRequest("the body does not inflate: its compressed data is cut short")
            try:
                inflated += stream.decompress(part, limit - len(inflated) + 1)
            except zlib.error:
                raise BadRequest(
                    "the body does not inflate: its compressed data is malformed"
                ) from None
            if len(inflated) > limit:
                raise RequestEntityTooLarge
            start += len(part) - len(stream.unconsumed_tail) - len(stream.unused_data)
    raise BadRequest(f"the body does not inflate: it has more than {_MAX_STREAMS:,} streams")


def _reason(error: orjson.JSONDecodeError, body: bytes) -> str:
    return invalid_utf8(body) or str(error)


def invalid_utf8(body: bytes) -> str:
    """Return where the body is not UTF-8; an empty string if it is."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not UTF-8"
    return ""
