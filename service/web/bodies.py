"""Reads request bodies: decompresses and parses them."""

import codecs
import json
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import orjson
from flask import current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service.web.field_errors import escape

JSON = "application/json"
ZLIB_FORMATS = {"gzip": 31, "deflate": 15}  # `wbits` of zlib's functions
_ALIASES = {"x-gzip": "gzip"}  # RFC 9110, section 8.4.1.3
LONG_BYTES = 256 * 1024  # a body whose parsed values may need much memory

_MAX_PARSED_BYTES = 48 * 1024 * 1024
# At most this much memory of parsed values for each of these characters: a dict, a list, a name's
# entry in a dict, a number in a list, and half of a text.
_PARSED_BYTES = {"{": 232, "[": 88, ":": 40, ",": 32, '"': 28}
_COUNTED_BYTES = 1024 * 1024  # at a time, so that other threads have their turn
_DECODED_BYTES = 1024 * 1024  # likewise
_PART_BYTES = 16 * 1024
_MAX_STREAMS = 10_000
_MAX_SEARCHED_BYTES = 1024 * 1024


def json_body(parse_body: Callable[[bytes], object] | None = None) -> tuple[object, bytes]:
    """Return the request's body, parsed and raw.

    Parameters
    ----------
    parse_body : by default `parse`

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
    """
    check_type(JSON)
    body = read_body()
    if not body:
        raise BadRequest("the body is empty; expected a JSON object")
    return (parse_body or parse)(body), body


def optional_json_body() -> object:
    """Return the request's body, parsed; an empty object if it is empty, whatever its media type.

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
    """Return the media type of the request's body.

    Raises
    ------
    UnsupportedMediaType
        it is none of those expected.
    """
    if request.mimetype not in expected:
        found = f"the body is {request.mimetype}" if request.mimetype else "Content-Type is missing"
        raise UnsupportedMediaType(f"{found}; expected Content-Type: {' or '.join(expected)}")
    return request.mimetype


def read_body() -> bytes:
    """Return the request's body, decompressed.

    Raises
    ------
    UnsupportedMediaType
        the encoding is neither gzip nor deflate.
    BadRequest
        the compressed data is malformed or cut short.
    RequestEntityTooLarge
        the body exceeds the limit, before or after decompression.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    encoding = _ALIASES.get(encoding, encoding)
    if encoding != "identity" and encoding not in ZLIB_FORMATS:
        raise UnsupportedMediaType(
            f"the body's Content-Encoding is {encoding or 'empty'}; "
            f"expected {' or '.join(ZLIB_FORMATS)}, or none"
        )
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        body = _receive(limit)
        return body if encoding == "identity" else _inflate(body, ZLIB_FORMATS[encoding], limit)
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"the body is larger than {limit:,} bytes; send fewer rows per request"
        ) from None


def parse(body: bytes) -> object:
    """Parse JSON.

    Raises
    ------
    BadRequest
    RequestEntityTooLarge
        the parsed values would need too much memory.
    """
    check_values(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = invalid_utf8(body) or _number_beyond_json(body) or str(error)  # no cycle
        raise BadRequest(f"the body is not JSON: {reason}") from None


def invalid_utf8(body: bytes) -> str:
    """Return where the body is not UTF-8; an empty string if it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), _DECODED_BYTES):
        end = min(start + _DECODED_BYTES, len(body))
        try:
            decoder.decode(body[start:end], final=end == len(body))
        except UnicodeDecodeError as error:  # its object begins with what the last part left
            return f"byte {end - len(error.object) + error.start} is not UTF-8"
    return ""


def check_values(body: bytes) -> None:
    """Check that the parsed values of JSON need little memory, by the characters between them.

    Raises
    ------
    RequestEntityTooLarge
    """
    if len(body) <= LONG_BYTES:
        return
    counts = dict.fromkeys(_PARSED_BYTES, 0)
    for start in range(0, len(body), _COUNTED_BYTES):
        # faster than `bytes.count` for characters that are frequent
        part = np.frombuffer(body[start : start + _COUNTED_BYTES], np.uint8)
        for mark in counts:
            counts[mark] += int(np.count_nonzero(part == ord(mark)))
    if sum(size * counts[mark] for mark, size in _PARSED_BYTES.items()) > _MAX_PARSED_BYTES:
        values = counts[","] + counts["{"] + counts["["]
        raise RequestEntityTooLarge(
            f"the body has about {values:,} values, which need too much memory; send fewer rows "
            "per request"
        )


def _number_beyond_json(body: bytes) -> str:
    """Return where NaN or an infinity is, which Python's parser alone accepts; empty if nowhere."""
    if len(body) > _MAX_SEARCHED_BYTES or not any(word in body for word in (b"NaN", b"Infinity")):
        return ""
    try:
        found = next(_constants(json.loads(body, parse_constant=_Beyond), ""), None)
    except (ValueError, RecursionError):
        return ""
    return "" if found is None else f"{found}: JSON has no such number"


class _Beyond(str):
    """NaN or an infinity in a parsed document."""


def _constants(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, _Beyond):
        yield f"{value} at {pointer}" if pointer else value
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in items:
            yield from _constants(each, f"{pointer}/{escape(name)}")


def _receive(limit: int) -> bytes:
    """Read the body in one piece, because Werkzeug's own stream copies it in small parts."""
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


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    """Decompress streams that follow each other, as gzip allows, up to the limit."""
    inflated, start = bytearray(), 0
    for _ in range(_MAX_STREAMS + 1):
        if start == len(body):
            return bytes(inflated)
        stream = zlib.decompressobj(wbits)
        while not stream.eof:
            # Feed small parts, because zlib copies the input that a stream leaves unused.
            part = body[start : start + _PART_BYTES]
            if not part:
                raise BadRequest("the body does not decompress: its data is cut short")
            try:
                inflated += stream.decompress(part, limit - len(inflated) + 1)
            except zlib.error:
                raise BadRequest("the body does not decompress: its data is malformed") from None
            if len(inflated) > limit:
                raise RequestEntityTooLarge
            start += len(part) - len(stream.unconsumed_tail) - len(stream.unused_data)
    raise BadRequest(f"the body does not decompress: it has more than {_MAX_STREAMS:,} streams")
