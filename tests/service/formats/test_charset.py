"""The charset of CSV bodies."""

import encodings
import gzip
from typing import Any

import pytest
from flask import Flask

from tests.service.problem_shape import assert_problem

BODY = "x1;x2;x3;x4;naïve\n1;2;3;4;\n0,5;0;0;0;ü\n"
PLAIN = "x1,x2,x3,x4\n1,2,3,4\n0.5,0,0,0\n"


def predictions(app: Flask, body: bytes, content_type: str, **headers: str) -> Any:
    answer = app.test_client().post(
        "/invocations", data=body, content_type=content_type, headers=headers
    )
    assert answer.status_code == 200, answer.text
    return answer.get_json()["predictions"]


def refused(app: Flask, body: bytes, content_type: str, status: int) -> str:
    answer = app.test_client().post("/predict", data=body, content_type=content_type)
    document = assert_problem(
        answer.status_code, answer.data, dict(answer.headers), expected=status
    )
    return str(document["detail"])


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        ("latin-1", "iso-8859-1"),
        ("latin-1", "ISO_8859-1"),
        ("latin-1", '"latin1"'),
        ("cp1252", "windows-1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-8", "utf-8"),
        ("utf-8", "UTF8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("utf-16", None),
        ("utf-32", None),
        ("utf-8-sig", None),
        ("utf-8", ""),
    ],
)
def test_body_is_read_in_its_charset(app: Flask, encoding: str, charset: str | None) -> None:
    expected = predictions(app, PLAIN.encode(), "text/csv")
    kind = "text/csv" if charset is None else f"text/csv; header=present; charset={charset}"
    body = BODY.replace(",", ".").encode(encoding)
    assert predictions(app, body, kind) == expected
    zipped = gzip.compress(body)
    assert predictions(app, zipped, kind, **{"Content-Encoding": "gzip"}) == expected


def test_character_between_two_blocks_is_read(app: Flask) -> None:
    comment = "é" * 100_000
    for shift in range(4):
        body = f"x1,x2,x3,x4,{'a' * shift}{comment}\n1,2,3,4,\n0.5,0,0,0,\n".encode("gb18030")
        assert predictions(app, body, "text/csv; charset=gb18030") == predictions(
            app, PLAIN.encode(), "text/csv"
        )


@pytest.mark.parametrize(
    "charset",
    [
        *("x-none", "a" * 999, ".", "aliases"),
        *("zlib", "hex", "rot13", "base64"),  # codecs of other things
        *("unicode_escape", "undefined", "charmap", "mbcs"),  # of Python alone
        *("punycode", "idna", "utf-7", "unicode-1-1-utf-7"),  # too slow
    ],
)
def test_unknown_charset_is_415(app: Flask, charset: str) -> None:
    detail = refused(app, PLAIN.encode(), f"text/csv; charset={charset}", 415)
    assert detail == (
        f"the charset {charset[:40]} is unknown; expected one such as utf-8, utf-16 or windows-1252"
    )


@pytest.mark.parametrize(
    ("body", "charset", "detail"),
    [
        (b"x1\xff\n1\n", "", "byte 2 is not UTF-8; for another encoding, send Content-Type: "),
        (b"x1\xff\n1\n", "; charset=utf-8", "the body is not CSV: byte 2 is not UTF-8"),
        (b"x1\xff\n1\n", "; charset=us-ascii", "the body is not CSV: its bytes are not us-ascii"),
        (b"\xff\xfex\xd8", "", "the body is not CSV: its bytes are not utf_16"),
        (b"x1\x81\n1\n", "; charset=cp1252", "the body is not CSV: its bytes are not cp1252"),
        (PLAIN.encode()[:-1], "; charset=utf-16", "its bytes are not utf-16"),
        (b"", "; charset=utf-16", "the body is empty; expected CSV"),
        (gzip.compress(PLAIN.encode(), mtime=0), "", "gzip; send Content-Encoding: gzip with it"),
        (b"PK\3\4" + bytes(99), "", "an Excel workbook or another zip archive; save the table"),
        (b"PAR1" + bytes(99), "; charset=cp1252", "a Parquet file; save the table as CSV"),
    ],
)
def test_bytes_that_are_no_text_are_refused(
    app: Flask, body: bytes, charset: str, detail: str
) -> None:
    assert detail in refused(app, body, f"text/csv{charset}", 400)


def test_unknown_charsets_take_no_memory(app: Flask) -> None:
    before = len(encodings._cache)
    for number in range(20):
        refused(app, PLAIN.encode(), f"text/csv; charset=none-{number}", 415)
    assert len(encodings._cache) == before
