"""Reading, decompressing and parsing request bodies."""

import gzip
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import orjson
import pytest
from flask import Flask, Response

from network import Model
from service.telemetry.request_context import acceptable_request_id
from service.web import error_handlers
from service.web.bodies import invalid_utf8, json_body, optional_json_body
from tests.service.problem_shape import assert_problem
from tests.service.small_models import random_rows

LIMIT = 1_000
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def echo() -> Flask:
    """An application that returns the body that it read."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LIMIT
    error_handlers.register(app)
    app.after_request(_identify)

    @app.post("/body")
    def needed() -> Response:
        document, raw = json_body()
        assert orjson.loads(raw) == document
        return _json(document)

    @app.post("/optional")
    def optional() -> Response:
        return _json(optional_json_body())

    return app


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")


def _identify(response: Response) -> Response:
    response.headers["X-Request-ID"] = acceptable_request_id("")
    return response


PATHS = pytest.mark.parametrize("path", ["/body", "/optional"])


@PATHS
@pytest.mark.parametrize("document", [{}, {"a": [1, 2.5, None, True, "é"]}, [], 0, None, "text"])
def test_any_json_is_parsed(echo: Flask, path: str, document: Any) -> None:
    for content_type in ("application/json", "Application/JSON; charset=utf-8"):
        body = orjson.dumps(document)
        answer = echo.test_client().post(path, data=body, headers={"Content-Type": content_type})
        assert (answer.status_code, answer.get_json()) == (200, document)


@pytest.mark.parametrize("headers", [{}, JSON, {"Content-Type": "text/plain"}])
@pytest.mark.parametrize("chunked", [False, True])
def test_empty_optional_body_is_an_empty_object(
    echo: Flask, headers: dict[str, str], chunked: bool
) -> None:
    answer = echo.test_client().post("/optional", headers=headers, **as_sent(b"", chunked))
    assert (answer.status_code, answer.get_json()) == (200, {})


def test_empty_required_body_is_400(echo: Flask) -> None:
    for chunked in (False, True):
        answer = echo.test_client().post("/body", headers=JSON, **as_sent(b"", chunked))
        document = assert_problem(
            answer.status_code, answer.data, dict(answer.headers), expected=400
        )
        assert document["detail"] == "the body is empty; expected a JSON object"


@pytest.mark.parametrize(
    ("end", "place"),
    [
        ("é".encode(), None),
        ("é".encode() + b"\xe9", 1),
        (b"\xc3", -1),
        (b"\xc3x", -1),
        (b"\xff", -1),
    ],
)
def test_a_long_body_is_checked_in_parts(end: bytes, place: int | None) -> None:
    """The characters at the end of a part may be cut."""
    mebibyte = 1024 * 1024
    expected = "" if place is None else f"byte {mebibyte + place} is not UTF-8"
    assert invalid_utf8(b"x" * (mebibyte - 1) + end) == expected


ROW = b'{"x1": 0.1, "x2": 0.2}'


@PATHS
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "unexpected end of data"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        (b'{"\xc3": 1}', "byte 2 is not UTF-8"),
        (ROW.decode().encode("utf-16"), "byte 0 is not UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + ROW, "", id="byte order mark"),
        pytest.param(b'{"a": "\\ud800"}', "", id="half a surrogate pair"),
        pytest.param(b"\x00", "", id="a zero byte"),
        pytest.param(b" ", "", id="blank"),
        pytest.param(b"x1=0.1&x2=0.2", "", id="a form"),
        pytest.param(ROW[:-1] + b",}", "", id="trailing comma"),
        pytest.param(b"{'x1': 0.1}", "", id="single quotes"),
        pytest.param(ROW * 2, "", id="two documents"),
        pytest.param(b'{"a": NaN}', "", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "", id="-Infinity"),
        pytest.param(b'{"a": 1e400}', "", id="1e400"),
        pytest.param(b'{"a": 1%s}' % (b"0" * 400), "", id="integer above all floats"),
        pytest.param(b'{"a": 1%s}' % (b"0" * 900), "", id="very long integer"),
        pytest.param(b"[" * 400 + b"]" * 400 + b"]", "", id="unbalanced brackets"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_invalid_json_is_400_with_the_position(
    echo: Flask, path: str, body: bytes, reason: str, chunked: bool
) -> None:
    answer = echo.test_client().post(path, headers=JSON, **as_sent(body, chunked))
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=400)
    assert document["detail"].startswith(f"the body is not JSON: {reason}")


@PATHS
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonl"},
        {"Content-Type": "application/vnd.x+json"},
        {"Content-Type": "é;;;"},
        {**JSON, "Content-Encoding": ""},
        {**JSON, "Content-Encoding": "br"},
        {**JSON, "Content-Encoding": "gzip, gzip"},
        {**JSON, "Content-Encoding": "identity, gzip, deflate"},
    ],
)
def test_unsupported_media_type_or_encoding_is_415(
    echo: Flask, path: str, headers: dict[str, str]
) -> None:
    answer = echo.test_client().post(path, data=b"{}", headers=headers)
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=415)
    assert "expected" in document["detail"]


@PATHS
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (100 * LIMIT, 413)])
def test_body_over_the_limit_is_413(
    echo: Flask, path: str, chunked: bool, size: int, status: int
) -> None:
    body = b"[%s]" % (b" " * (size - 2))
    answer = echo.test_client().post(path, headers=JSON, **as_sent(body, chunked))
    if status == 200:
        assert answer.get_json() == []
    else:
        assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=status)


def as_sent(body: bytes, chunked: bool) -> dict[str, Any]:
    """Return the test client's arguments to send a body with or without its length."""
    if not chunked:
        return {"data": body}
    return {
        "input_stream": BytesIO(body),
        "environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
    }


def deflated(body: bytes) -> bytes:
    return zlib.compress(body)


PACKERS = pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        *((name, gzip.compress) for name in ("gzip", "GZIP", "x-gzip", "X-GZip")),
        *((name, gzip.compress) for name in ("identity, gzip", "x-gzip ,identity")),
        ("deflate", deflated),
    ],
)


@PATHS
@PACKERS
@pytest.mark.parametrize("chunked", [False, True])
def test_compressed_body_is_decompressed(
    echo: Flask, path: str, encoding: str, packed: Callable[[bytes], bytes], chunked: bool
) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    body = as_sent(packed(b'{"a": [1, 2]}'), chunked)
    answer = echo.test_client().post(path, headers=headers, **body)
    assert (answer.status_code, answer.get_json()) == (200, {"a": [1, 2]})


@PATHS
def test_several_gzip_members_are_one_body(echo: Flask, path: str) -> None:
    body = gzip.compress(b"[1, ") + gzip.compress(b"") + gzip.compress(b"2]")
    headers = {**JSON, "Content-Encoding": "gzip"}
    assert echo.test_client().post(path, headers=headers, data=body).get_json() == [1, 2]


@PATHS
@PACKERS
def test_decompressed_body_over_the_limit_is_413(
    echo: Flask, path: str, encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    headers = {**JSON, "Content-Encoding": encoding}
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413), (5000 * LIMIT, 413)):
        body = packed(b"[%s]" % (b" " * (size - 2)))
        answer = echo.test_client().post(path, headers=headers, data=body)
        assert answer.status_code == status
        if status != 200:
            assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=status)


@PATHS
@PACKERS
def test_damaged_compressed_body_is_400(
    echo: Flask, path: str, encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    whole = packed(b'{"a": 1}')
    for body in (whole[:-1], whole[:3], b"no " + whole, whole + b"x"):
        headers = {**JSON, "Content-Encoding": encoding}
        answer = echo.test_client().post(path, headers=headers, data=body)
        document = assert_problem(
            answer.status_code, answer.data, dict(answer.headers), expected=400
        )
        assert document["detail"].startswith("the body does not decompress: its data is ")


def test_long_compressed_body_is_decompressed(app: Flask, model: Model) -> None:
    X = random_rows(5000)
    content = orjson.dumps({"instances": X.tolist()})
    body = gzip.compress(content[:200_000]) + gzip.compress(content[200_000:])
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = app.test_client().post("/predict", headers=headers, data=body)
    assert answer.get_json()["predictions"] == model.predict(X)[:, 0].tolist()


def test_body_of_very_many_gzip_members_is_400(app: Flask) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    body = gzip.compress(b"") * 800_000
    answer = app.test_client().post("/predict", headers=headers, data=body)
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=400)
    assert document["detail"] == "the body does not decompress: it has more than 10,000 streams"
