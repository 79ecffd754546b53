"""Reads request bodies: decompresses and parses them."""

import codecs
import json
import math
import re
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
_NO_NUMBER = re.compile("-?(?:NaN|Infinity)")
_MAY_BE_A_NUMBER = re.compile("NaN|Infinity|number is infinity")
_NO_SUCH_NUMBER = ": JSON has no such number"
_TOO_LARGE = ": float64 has no such number"


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
    encoding = content_encoding()
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        body = _receive(limit)
        return _inflate(body, ZLIB_FORMATS[encoding], limit) if encoding else body
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"the body is larger than {limit:,} bytes; send fewer rows per request"
        ) from None


def content_encoding() -> str:
    """Return the content coding of the request's body; an empty string if there is none."""
    field = request.headers.get("Content-Encoding", "identity").lower()
    codings = [coding.strip() for coding in field.split(",") if coding.strip() != "identity"]
    encoding = ", ".join(codings)
    encoding = _ALIASES.get(encoding, encoding)
    if codings and encoding not in ZLIB_FORMATS:
        raise UnsupportedMediaType(
            f"the body's Content-Encoding is {encoding or 'empty'}; "
            f"expected {' or '.join(ZLIB_FORMATS)}, or none"
        )
    return encoding


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
        raise BadRequest(f"the body is not JSON: {reason_for(error, body)}") from None


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
    characters = np.frombuffer(body, np.uint8)  # faster than `bytes.count` for frequent ones
    for start in range(0, len(body), _COUNTED_BYTES):
        part = characters[start : start + _COUNTED_BYTES]
        for mark in counts:
            counts[mark] += int(np.count_nonzero(part == ord(mark)))
    if sum(size * counts[mark] for mark, size in _PARSED_BYTES.items()) > _MAX_PARSED_BYTES:
        values = counts[","] + counts["{"] + counts["["]
        raise RequestEntityTooLarge(
            f"the body has about {values:,} values, which need too much memory; send fewer rows "
            "per request"
        )


def reason_for(error: orjson.JSONDecodeError, body: bytes) -> str:
    """Return why a body is not JSON, with the place of a number that JSON has not."""
    return (
        invalid_utf8(body) or _number_beyond_json(error, body) or wrong_number(error) or str(error)
    )


def wrong_number(error: orjson.JSONDecodeError, start: int = 0) -> str:
    """Return the NaN or infinity that the parser stopped at, and where; empty if there is none.

    Parameters
    ----------
    start : of the parsed part, in the body
    """
    first = error.pos - error.doc.endswith("-", 0, error.pos)
    found = _NO_NUMBER.match(error.doc, first)
    if found is None:
        return ""
    parts = range(0, first, _DECODED_BYTES)  # the document may be long
    place = sum(len(error.doc[each : min(each + _DECODED_BYTES, first)].encode()) for each in parts)
    return f"{found[0]} at byte {start + place:,}{_NO_SUCH_NUMBER}"


def _number_beyond_json(error: orjson.JSONDecodeError, body: bytes) -> str:
    """Return the first number that Python's parser alone accepts, and where; empty if nowhere."""
    if len(body) > _MAX_SEARCHED_BYTES or not _MAY_BE_A_NUMBER.search(f"{error}{error.doc}"):
        return ""
    try:
        document = json.loads(body, parse_constant=_Beyond, parse_float=_finite, parse_int=_finite)
    except (ValueError, RecursionError):
        return ""
    return next(_beyond(document, ""), "")


class _Beyond(str):
    """NaN, an infinity or a number beyond float64 in a parsed document."""


def _finite(text: str) -> float | _Beyond:
    number = float(text)
    return number if math.isfinite(number) else _Beyond(text)


def _beyond(value: object, pointer: str) -> Iterator[str]:
    if isinstance(value, _Beyond):
        reason = _NO_SUCH_NUMBER if value.endswith(("N", "y")) else _TOO_LARGE
        place = f" at {pointer}" if pointer else ""
        yield f"{value if len(value) <= 40 else value[:39] + '…'}{place}{reason}"
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, each in items:
            yield from _beyond(each, f"{pointer}/{escape(name)}")


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
