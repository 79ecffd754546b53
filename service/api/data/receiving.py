"""Receives the body of an upload in parts."""

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.web.bodies import ZLIB_FORMATS, content_encoding

_PART_BYTES = 256 * 1024
_COMPRESSED_PART_BYTES = 16 * 1024  # it may grow a thousand times
_MAX_STREAMS = 10_000


def body_writer(max_bytes: int) -> Callable[[BinaryIO], None]:
    """Return a function that writes the request's body, decompressed, to a file.

    Its errors are `BadRequest`, `RequestEntityTooLarge` and OSError.

    Raises
    ------
    UnsupportedMediaType
        the encoding is neither gzip nor deflate.
    RequestEntityTooLarge
        it is declared to be larger.
    """
    encoding = content_encoding()
    length = request.content_length if request.environ.get("CONTENT_LENGTH") else None
    if length is not None and length > max_bytes:
        raise _too_large(max_bytes)

    def write(file: BinaryIO) -> None:
        size = 0
        parts = _parts(length)
        for part in _inflated(parts, ZLIB_FORMATS[encoding]) if encoding else parts:
            size += len(part)
            if size > max_bytes:
                raise _too_large(max_bytes)
            file.write(part)

    return write


def _too_large(max_bytes: int) -> RequestEntityTooLarge:
    return RequestEntityTooLarge(
        f"the table is larger than {max_bytes:,} bytes (NUMNET_MAX_DATA_BYTES); "
        "copy it into the data folder"
    )


def _parts(length: int | None) -> Iterator[bytes]:
    if length is None and not request.environ.get("wsgi.input_terminated"):
        return
    stream, received = request.environ["wsgi.input"], 0
    while length is None or received < length:
        wanted = _PART_BYTES if length is None else min(_PART_BYTES, length - received)
        part = stream.read(wanted)
        if not part:
            break
        received += len(part)
        yield part
    if length is not None and received < length:
        raise BadRequest("the body is cut short")


def _inflated(parts: Iterator[bytes], wbits: int) -> Iterator[bytes]:
    """Decompress streams that follow each other, as gzip allows."""
    stream, streams = zlib.decompressobj(wbits), 1
    for part in parts:
        for start in range(0, len(part), _COMPRESSED_PART_BYTES):
            rest = part[start : start + _COMPRESSED_PART_BYTES]
            while rest:
                if stream.eof:
                    stream, streams = zlib.decompressobj(wbits), streams + 1
                if streams > _MAX_STREAMS:
                    raise BadRequest(f"the body has more than {_MAX_STREAMS:,} compressed streams")
                try:
                    yield stream.decompress(rest)
                except zlib.error:
                    raise BadRequest(
                        "the body does not decompress: its data is malformed"
                    ) from None
                rest = stream.unused_data
    if not stream.eof:
        raise BadRequest("the body does not decompress: its data is cut short")
