"""Response bodies: streamed if they are long, compressed if the client prefers that."""

import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response

from service.web.responses import ROWS_AT_A_TIME, compress, response_in_parts

CONTENT = b'{"numbers":[1,2,3]}' * 100


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask(__name__)

    @app.get("/compressed")
    def compressed() -> Response:
        return compress(Response(CONTENT))

    @app.get("/parts/<int:rows>")
    def parts(rows: int) -> Response:
        return response_in_parts(_parts(), rows, "text/plain", {"X-Rows": str(rows)})

    return app


def _parts() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=0.2, deflate;q=0.8", "deflate"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("identity", None),
        ("br", None),
        ("", None),
        (";;q=x", None),
    ],
)
def test_accept_encoding_chooses_the_encoding(
    app: Flask, accepted: str, encoding: str | None
) -> None:
    decompress: dict[str | None, Callable[[bytes], bytes]] = {
        None: bytes,
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
    }
    response = app.test_client().get("/compressed", headers={"Accept-Encoding": accepted})
    assert response.headers.get("Content-Encoding") == encoding
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert decompress[encoding](response.data) == CONTENT


@pytest.mark.parametrize(
    ("rows", "chunks"), [(ROWS_AT_A_TIME, [b"ab"]), (ROWS_AT_A_TIME + 1, [b"a", b"b"])]
)
def test_response_with_many_rows_is_streamed(app: Flask, rows: int, chunks: list[bytes]) -> None:
    response = app.test_client().get(f"/parts/{rows}", buffered=False)
    assert [chunk for chunk in response.response if chunk] == chunks
    assert response.headers["X-Rows"] == str(rows)
