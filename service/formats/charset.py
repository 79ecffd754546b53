"""The encoding of text bodies: the charset of their media type, or what a byte order mark says."""

import codecs
import encodings
import io
import pkgutil
from contextlib import suppress
from encodings.aliases import aliases
from functools import cache

from flask import current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service.web.bodies import invalid_utf8, read_body

_BLOCK_BYTES = 64 * 1024
_UTF8 = ("utf_8", "utf8")
_MARKS = {  # the longer ones first, which begin with the shorter ones
    codecs.BOM_UTF32_LE: "utf_32",
    codecs.BOM_UTF32_BE: "utf_32",
    codecs.BOM_UTF16_LE: "utf_16",
    codecs.BOM_UTF16_BE: "utf_16",
}
_FILES = {
    b"\x1f\x8b": "is compressed by gzip; send Content-Encoding: gzip with it",
    b"PK\3\4": "is an Excel workbook or another zip archive; save the table as CSV",
    b"PAR1": "is a Parquet file; save the table as CSV",
}
_TOO_SLOW = {"punycode", "idna", "utf_7"}  # their time grows with the square of the length
_OF_PYTHON_ALONE = {"unicode_escape", "raw_unicode_escape", "undefined", "charmap"}


def read_table_body(media_type: str) -> bytes:
    """Return the request's body, decompressed; CSV as `read_csv_body` returns it."""
    return read_csv_body() if media_type == "text/csv" else read_body()


def read_csv_body() -> bytes:
    """Return the request's body, decompressed, as UTF-8.

    Without a charset it is UTF-8, or what its byte order mark says, as for training files.

    Raises
    ------
    UnsupportedMediaType
        also if the charset is unknown.
    BadRequest
        also if the bytes are no text of that charset.
    RequestEntityTooLarge
    """
    charset = request.mimetype_params.get("charset", "").strip()
    codec = _codec(charset)
    body = read_body()
    for signature, advice in _FILES.items():
        if body.startswith(signature):
            raise BadRequest(f"the body is not CSV: it {advice}")
    codec = codec or next((name for mark, name in _MARKS.items() if body.startswith(mark)), "utf_8")
    if codec in _UTF8:
        if reason := invalid_utf8(body):
            hint = "; for another encoding, send Content-Type: text/csv; charset=windows-1252"
            raise BadRequest(f"the body is not CSV: {reason}{'' if charset else hint}")
        return body
    try:
        text = _as_utf8(body, codec)
    except UnicodeError:
        raise BadRequest(f"the body is not CSV: its bytes are not {charset or codec}") from None
    if len(text) > (limit := current_app.config["MAX_CONTENT_LENGTH"]):
        raise RequestEntityTooLarge(
            f"the body is larger than {limit:,} bytes in UTF-8; send fewer rows per request"
        )
    return text


def _codec(charset: str) -> str:
    """Return the name of Python's codec for a charset; an empty string if there is no charset.

    Raises
    ------
    UnsupportedMediaType
        there is none.
    """
    if not charset:
        return ""
    name = encodings.normalize_encoding(charset).lower()
    if name in _names():  # Python keeps every name that it has looked up
        with suppress(LookupError):  # no encoding of text, such as zlib
            with suppress(UnicodeError):
                b"x".decode(name)
            return name
    raise UnsupportedMediaType(
        f"the charset {charset[:40]} is unknown; expected one such as utf-8, utf-16 or windows-1252"
    )


@cache
def _names() -> frozenset[str]:
    modules = (module.name for module in pkgutil.iter_modules(encodings.__path__))
    excluded = _TOO_SLOW | _OF_PYTHON_ALONE
    return frozenset(
        name for name in (*modules, *aliases) if aliases.get(name, name) not in excluded
    )


def _as_utf8(body: bytes, codec: str) -> bytes:
    """Convert block by block, so that the text is not in memory as a whole."""
    decoder, text = codecs.getincrementaldecoder(codec)(), io.BytesIO()
    for start in range(0, len(body), _BLOCK_BYTES):
        end = start + _BLOCK_BYTES
        text.write(decoder.decode(body[start:end], end >= len(body)).encode())
    return text.getvalue()
