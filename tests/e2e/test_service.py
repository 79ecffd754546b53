"""Requests to a running service: what needs the application, real processes and real sockets.

What the HTTP server does with any application is tested in tests/service/server/contract.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote

import numpy as np
import orjson
import pytest
import requests

from network import Model
from registry import Registry
from tests.e2e.conftest import Service
from tests.patience import DEADLINE_SECONDS, until
from tests.service.problem_shape import assert_problem
from tests.service.server.harness.client import Client, Response, chunked, request
from tests.service.small_models import FEATURES, random_rows, serve, small_model

VALUES = [0.1, -0.2, 0.3, -0.4]
ROW = dict(zip(FEATURES, VALUES, strict=True))
BODY = json.dumps(ROW).encode()
GENERATED_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]+")
MAX_BODY_BYTES = 16 * 1024 * 1024
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def model() -> Model:
    return small_model()


@pytest.fixture(scope="module")
def service(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of two server processes with `model` as version 1; no test changes it."""
    folder = tmp_path_factory.mktemp("service")
    serve(Registry.local(folder / "models"), model)
    running = Service(folder / "models", folder / "out", workers=2)
    running.start()
    yield running
    assert running.stop() == 0


def exchange(service: Service, sent: bytes) -> Response:
    """Send bytes as they are and read one response."""
    with Client(("127.0.0.1", service.port)) as client:
        return client.send(sent).response()


def post(*lines: str, body: bytes = BODY, path: str = "/predict") -> bytes:
    return request(path, *lines, method="POST", body=body)


def announce(length: int) -> bytes:
    """Return the head of a request whose body does not follow."""
    return request("/predict", JSON, f"Content-Length: {length}", method="POST")


def post_chunks(*contents: bytes) -> bytes:
    return request("/predict", JSON, CHUNKED, method="POST") + chunked(*contents)


def test_predictions_have_the_bits_of_the_model(service: Service, model: Model) -> None:
    for values in random_rows(20).tolist():
        response = service.predict(dict(zip(FEATURES, values, strict=True)))
        assert response.json()["prediction"] == model.predict([values])[0, 0]
        assert response.headers["Content-Type"] == "application/json"
    X = random_rows(100_000)
    response = service.predict({"instances": X.tolist()})
    assert np.array_equal(orjson.loads(response.content)["predictions"], model.predict(X)[:, 0])


def test_a_chunked_body_is_predicted(service: Service, model: Model) -> None:
    response = exchange(service, post_chunks(BODY[:7], BODY[7:]))
    assert json.loads(response.body)["prediction"] == model.predict([VALUES])[0, 0]


MEBIBYTE = b" " * 2**20


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(post(JSON, body=b""), 400, id="empty body"),
        pytest.param(request("/predict", JSON, method="POST"), 400, id="no body"),
        pytest.param(post_chunks(), 400, id="empty chunked body"),
        pytest.param(post(JSON, body=b"{'a'}"), 400, id="not JSON"),
        pytest.param(post(JSON, body=b'"\xff"'), 400, id="invalid UTF-8"),
        pytest.param(post(), 415, id="no media type"),
        pytest.param(post("Content-Type: text/plain"), 415, id="another media type"),
        pytest.param(post(JSON, "Content-Encoding: br"), 415, id="unknown content encoding"),
        pytest.param(post(JSON, body=b"null"), 422, id="null"),
        pytest.param(post(JSON, path="/predict?a=1"), 422, id="unknown parameter"),
        pytest.param(post(JSON, path="/predict?%ff=%"), 422, id="invalid parameter"),
        pytest.param(post(JSON, path="/nowhere"), 404, id="unknown path"),
        pytest.param(post(JSON, path="/%ff%00"), 404, id="invalid path"),
        pytest.param(request("/models//1"), 404, id="empty path segment"),
        pytest.param(request("/predict"), 405, id="GET"),
        pytest.param(announce(MAX_BODY_BYTES + 1), 413, id="over the limit"),
        pytest.param(announce(10**18), 413, id="far over the limit"),
        pytest.param(post_chunks(BODY, *[MEBIBYTE] * 16), 413, id="over the limit in chunks"),
    ],
)
def test_a_wrong_request_gets_a_problem_document(
    service: Service, sent: bytes, status: int
) -> None:
    response = exchange(service, sent)
    assert_problem(response.status, response.body, response.headers, expected=status)
    assert service.predict(ROW).status_code == 200


def test_an_unknown_method_is_refused(service: Service) -> None:
    response = exchange(service, request("/predict", method="BREW"))
    assert response.status in {405, 501}
    assert_problem(response.status, response.body, response.headers, expected=response.status)


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        pytest.param(JSON, {400, 415}, id="two media types"),
        pytest.param("SCRIPT_NAME: /x", {200, 400}, id="SCRIPT_NAME"),
        pytest.param("PATH_INFO: /x", {200, 400}, id="PATH_INFO"),
        pytest.param("Cookie: \xff=;;=\xff", {200}, id="invalid cookie"),
        pytest.param("Connection: Upgrade\r\nUpgrade: websocket", {200}, id="WebSocket"),
    ],
)
def test_an_unusual_header_gets_no_500(service: Service, line: str, statuses: set[int]) -> None:
    assert exchange(service, post(JSON, line)).status in statuses


@pytest.mark.parametrize("host", ["", "a b", "a..b", "h:x", "h:99999", "\xff", "[", "h/p"])
def test_an_invalid_host_gets_no_500(service: Service, host: str) -> None:
    for path in ("/predict", "/nowhere"):
        sent = post(JSON, path=path).replace(b"Host: here", f"Host: {host}".encode("latin-1"))
        assert exchange(service, sent).status in {200, 400, 404}


def test_a_connection_is_kept_alive_after_an_error(service: Service) -> None:
    with requests.Session() as session:
        url = f"{service.url}/predict"
        for body, status in ((b"{", 400), (BODY, 200), (b"[]", 422), (BODY, 200), (b"", 400)):
            response = session.post(url, body, headers={"Content-Type": "application/json"})
            assert response.status_code == status
            assert response.headers.get("Connection", "keep-alive") == "keep-alive"


def test_health_and_versions_answer_get_and_head(service: Service) -> None:
    assert service.get("/livez").json() == {"status": "live"}
    assert service.get("/readyz").json() == {"status": "ready", "version": "1"}
    assert service.get("/models").json()["current"] == "1"
    assert service.get("/models/1").json()["version"] == "1"
    for path in ("/livez", "/readyz", "/models", "/models/1"):
        response = requests.head(service.url + path, timeout=DEADLINE_SECONDS)
        assert (response.status_code, response.content) == (200, b"")
        assert int(response.headers["Content-Length"]) > 0


def test_every_response_has_the_callers_request_id_or_a_new_one(service: Service) -> None:
    generated = [service.predict(ROW).headers["X-Request-ID"] for _ in range(20)]
    generated += [service.get("/nowhere").headers["X-Request-ID"] for _ in range(20)]
    assert len(set(generated)) == 40
    assert all(GENERATED_ID.fullmatch(each) for each in generated)
    response = service.predict(ROW, headers={"X-Request-ID": "trace-7/a"})
    assert response.headers["X-Request-ID"] == "trace-7/a"
    for unusable in ("a b", "é".encode(), "x" * 129, ""):
        response = service.predict(ROW, headers={"X-Request-ID": unusable})
        assert GENERATED_ID.fullmatch(response.headers["X-Request-ID"])


def test_the_access_log_has_one_line_per_request_without_body_or_query(service: Service) -> None:
    expected = {
        "one": ("POST", "/predict", "/predict", 200, {"rows": 1, "version": "1"}),
        "many": ("POST", "/predict", "/predict", 200, {"rows": 3, "version": "1"}),
        "bad": ("POST", "/predict", "/predict", 422, {"version": "1"}),
        "query": ("POST", "/predict", "/predict", 422, {"version": "1"}),
        "card": ("GET", "/models/1", "/models/<version>", 200, {}),
        "absent": ("GET", "/s%C3%A9", None, 404, {}),
    }
    ids = {name: {"X-Request-ID": f"log-{name}"} for name in expected}
    responses = {
        "one": service.predict(ROW | {"x1": 0.123454321}, headers=ids["one"]),
        "many": service.predict({"instances": [VALUES] * 3}, headers=ids["many"]),
        "bad": service.predict({"hidden": "secret"}, headers=ids["bad"]),
        "query": service.predict(ROW, headers=ids["query"], params={"hidden": "secret"}),
        "card": requests.get(
            f"{service.url}/models/1", headers=ids["card"], timeout=DEADLINE_SECONDS
        ),
        "absent": requests.get(
            f"{service.url}/sé?hidden=secret", headers=ids["absent"], timeout=DEADLINE_SECONDS
        ),
    }
    for name, (method, path, route, status, notes) in expected.items():
        (line,) = until(partial(service.access_lines, f"log-{name}"))
        assert line["method"] == method
        assert line["path"] == unquote(path)
        assert (line["route"], line["status"]) == (route, status)
        assert line["bytes"] == len(responses[name].content)
        assert line["client"] == "127.0.0.1"
        assert {key: line[key] for key in ("rows", "version") if key in line} == notes
    for stream in ("stdout", "stderr"):
        text = (service.output / stream).read_text()
        assert not any(hidden in text for hidden in ("secret", "hidden", "0.123454321"))
