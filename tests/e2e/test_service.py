"""`python -m service` from outside: what only real processes, sockets and restarts can show."""

import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import orjson
import pytest
import requests

from network import Model
from registry import Registry
from service.model.current_version import RETRY_SECONDS
from tests.e2e.conftest import ROOT, Service, StartService
from tests.patience import DEADLINE_SECONDS, until
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    FEATURES,
    forge_promotion,
    promote,
    publish,
    random_rows,
    serve,
    small_model,
)

VALUES = [0.1, -0.2, 0.3, -0.4]
ROW = dict(zip(FEATURES, VALUES, strict=True))
BODY = json.dumps(ROW).encode()
MADE_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]+")
MAX_BODY_BYTES = 16 * 1024 * 1024


def prediction(model: Model) -> float:
    """What a model must answer to `ROW`."""
    return float(model.predict([VALUES])[0, 0])


@pytest.fixture(scope="module")
def model() -> Model:
    return small_model()


@pytest.fixture(scope="module")
def service(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two workers that serve `model` as version 1; no test changes it."""
    folder = tmp_path_factory.mktemp("service")
    serve(Registry.local(folder / "models"), model)
    running = Service(folder / "models", folder / "out", workers=2)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """The registry that `start_service` serves by default."""
    return Registry.local(tmp_path / "models")


def received(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer: status, headers, body."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, dict(answer.getheaders()), answer.read()


def exchange(service: Service, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes as they are and read one answer."""
    with service.connect() as connection:
        for part in parts:
            connection.sendall(part)
        return received(connection)


def head(*lines: str, method: str = "POST", path: str = "/predict") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *lines, "", ""]).encode()


JSON = "Content-Type: application/json"
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"


def chunks(*contents: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(content), content) for content in contents)


def test_predictions_have_the_bits_of_the_model(service: Service, model: Model) -> None:
    for values in random_rows(20).tolist():
        answer = service.predict(dict(zip(FEATURES, values, strict=True)))
        assert answer.json()["prediction"] == model.predict([values])[0, 0]
        assert answer.headers["Content-Type"] == "application/json"
    X = random_rows(100_000)
    answer = service.predict({"instances": X.tolist()})
    assert np.array_equal(orjson.loads(answer.content)["predictions"], model.predict(X)[:, 0])


def test_a_chunked_body_is_taken(service: Service, model: Model) -> None:
    message = head(JSON, CHUNKED) + chunks(BODY[:7], BODY[7:], b"")
    status, _, body = exchange(service, message)
    assert (status, json.loads(body)["prediction"]) == (200, prediction(model))


def test_a_body_that_comes_slowly_is_taken(service: Service, model: Model) -> None:
    with service.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(JSON, LENGTH) + BODY:
            connection.send(bytes([byte]))
        _, _, content = received(connection)
        assert json.loads(content)["prediction"] == prediction(model)


def test_expect_continue_is_answered(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(head(JSON, LENGTH, "Expect: 100-continue"))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(BODY)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")


MEBIBYTE = b" " * 2**20


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        pytest.param([head(JSON, "Content-Length: 0")], 400, id="empty body"),
        pytest.param([head(JSON)], 400, id="no body"),
        pytest.param([head(JSON, CHUNKED), b"0\r\n\r\n"], 400, id="empty chunked body"),
        pytest.param([head(JSON, "Content-Length: 5"), b"{'a'}"], 400, id="not JSON"),
        pytest.param([head(JSON, "Content-Length: 3"), b'"\xff"'], 400, id="invalid UTF-8"),
        pytest.param([head(JSON, CHUNKED), b"zz\r\n{}\r\n0\r\n\r\n"], 400, id="no chunk size"),
        pytest.param([head(JSON, CHUNKED), b"2\r\n{}{}\r\n0\r\n\r\n"], 400, id="wrong chunk size"),
        pytest.param([head(JSON, CHUNKED), b"2\r\n{}\r\n0\r\n a\r\n\r\n"], 400, id="odd trailer"),
        pytest.param([head(LENGTH), BODY], 415, id="no media type"),
        pytest.param(
            [head("Content-Type: text/plain", LENGTH), BODY], 415, id="another media type"
        ),
        pytest.param([head(JSON, LENGTH, "Content-Encoding: br"), BODY], 415, id="encoded"),
        pytest.param([head(JSON, "Content-Length: 4"), b"null"], 422, id="null"),
        pytest.param([head(JSON, LENGTH, path="/predict?a=1"), BODY], 422, id="unknown parameter"),
        pytest.param([head(JSON, LENGTH, path="/predict?%ff=%"), BODY], 422, id="odd parameter"),
        pytest.param([head(JSON, LENGTH, path="/nowhere"), BODY], 404, id="unknown address"),
        pytest.param([head(JSON, LENGTH, path="/%ff%00"), BODY], 404, id="odd address"),
        pytest.param([head(method="GET")], 405, id="GET"),
        pytest.param([head(method="BREW")], 405, id="unknown method"),
        pytest.param(
            [head(JSON, f"Content-Length: {MAX_BODY_BYTES + 1}")], 413, id="over the limit"
        ),
        pytest.param([head(JSON, f"Content-Length: {10**18}")], 413, id="far over the limit"),
        pytest.param(
            [head(JSON, CHUNKED), chunks(BODY, *[MEBIBYTE] * 16, b"")],
            413,
            id="over the limit in chunks",
        ),
    ],
)
def test_a_fault_on_the_wire_is_a_problem(
    service: Service, parts: list[bytes], status: int
) -> None:
    found, headers, body = exchange(service, *parts)
    assert_problem(found, body, headers, expected=status)
    assert service.predict(ROW).status_code == 200


@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        pytest.param([JSON, LENGTH, CHUNKED], {400}, id="two lengths"),
        pytest.param([JSON, JSON, LENGTH], {400}, id="two media types"),
        pytest.param([JSON, LENGTH, "X-Request-ID: a\x01b"], {400}, id="control character"),
        pytest.param([JSON, "Content-Length: -1"], {400}, id="negative length"),
        pytest.param([JSON, "Content-Length: ten"], {400}, id="length in words"),
        pytest.param([JSON, "Transfer-Encoding: brotli"], {400, 501}, id="unknown transfer"),
        pytest.param([JSON, LENGTH, "no colon"], {400}, id="no header"),
        pytest.param([JSON, LENGTH, "SCRIPT_NAME: /x"], {200}, id="SCRIPT_NAME"),
        pytest.param([JSON, LENGTH, "PATH_INFO: /x"], {200}, id="PATH_INFO"),
        pytest.param([JSON, LENGTH, "Cookie: \xff=;;=\xff"], {200}, id="odd cookie"),
    ],
)
def test_malformed_http_is_answered_and_logged(
    service: Service, lines: list[str], statuses: set[int]
) -> None:
    before = len(service.access_log()) + len(service.log())
    status, _, _ = exchange(service, head(*lines), BODY)
    assert status in statuses
    until(lambda: len(service.access_log()) + len(service.log()) > before)


@pytest.mark.parametrize("host", ["", "a b", "a..b", "h:x", "h:99999", "\xff", "[", "h/p"])
def test_an_odd_host_is_no_500(service: Service, host: str) -> None:
    for path in ("/predict", "/nowhere"):
        message = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{JSON}\r\n{LENGTH}\r\n\r\n"
        status, _, _ = exchange(service, message.encode("latin-1"), BODY)
        assert status in {200, 400, 404}


def test_a_connection_serves_on_after_an_error(service: Service) -> None:
    with requests.Session() as session:
        url = f"{service.url}/predict"
        for body, status in ((b"{", 400), (BODY, 200), (b"[]", 422), (BODY, 200), (b"", 400)):
            answer = session.post(url, body, headers={"Content-Type": "application/json"})
            assert answer.status_code == status
            assert answer.headers["Connection"] == "keep-alive"


def test_livez_readyz_models_and_head(service: Service) -> None:
    assert service.get("/livez").json() == {"status": "live"}
    assert service.get("/readyz").json() == {"status": "ready", "version": "1"}
    assert service.get("/models").json()["current"] == "1"
    assert service.get("/models/1").json()["version"] == "1"
    for path in ("/livez", "/readyz", "/models", "/models/1"):
        answer = requests.head(service.url + path, timeout=DEADLINE_SECONDS)
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0
    status, headers, body = exchange(service, head(method="GET", path="/models//1"))
    assert_problem(status, body, headers, expected=404)


def test_request_ids_are_kept_replaced_or_made(service: Service) -> None:
    made = [service.predict(ROW).headers["X-Request-ID"] for _ in range(20)]
    made += [service.get("/nowhere").headers["X-Request-ID"] for _ in range(20)]
    assert len(set(made)) == 40
    kept = service.predict(ROW, headers={"X-Request-ID": "trace-7/a"})
    assert kept.headers["X-Request-ID"] == "trace-7/a"
    for unfit in ("a b", "é".encode(), "x" * 129, ""):
        answer = service.predict(ROW, headers={"X-Request-ID": unfit})
        assert MADE_ID.fullmatch(answer.headers["X-Request-ID"])
    _, headers, _ = exchange(
        service, head(JSON, LENGTH, "X-Request-ID: a", "X-Request-ID: b"), BODY
    )
    assert MADE_ID.fullmatch(headers["X-Request-ID"])


def test_the_access_log_has_one_line_per_request_and_neither_body_nor_query(
    service: Service,
) -> None:
    expected = {
        "one": ("POST", "/predict", "/predict", 200, {"rows": 1, "version": "1"}),
        "many": ("POST", "/predict", "/predict", 200, {"rows": 3, "version": "1"}),
        "bad": ("POST", "/predict", "/predict", 422, {"version": "1"}),
        "query": ("POST", "/predict", "/predict", 422, {"version": "1"}),
        "card": ("GET", "/models/1", "/models/<version>", 200, {}),
        "absent": ("GET", "/s%C3%A9", None, 404, {}),
    }
    ids = {name: {"X-Request-ID": f"log-{name}"} for name in expected}
    answers = {
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
        assert 0.0 < line["duration_ms"] < 10_000.0
        assert line["bytes"] == len(answers[name].content)
        assert line["client"] == "127.0.0.1"
        assert {key: line[key] for key in ("rows", "version") if key in line} == notes
    for stream in ("stdout", "stderr"):
        text = (service.output / stream).read_text()
        assert not any(hidden in text for hidden in ("secret", "hidden", "0.123454321"))


class Load:
    """Clients that post `ROW` again and again, and what they were answered."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._done = threading.Event()
        self.answers: list[dict[str, Any]] = []
        self.failures: list[str] = []

    @contextmanager
    def running(self, clients: int = 4) -> Iterator[None]:
        """Every other client keeps its connection; the rest open one for each request."""
        threads = [
            threading.Thread(target=self._post, args=(bool(index % 2),)) for index in range(clients)
        ]
        for thread in threads:
            thread.start()
        self.wait_for(5 * clients)
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def wait_for(self, count: int) -> None:
        """Wait until that many more requests were answered."""
        start = len(self.answers)
        until(lambda: len(self.answers) >= start + count)

    def _post(self, keep: bool) -> None:
        with requests.Session() as session:
            url, post = f"{self._service.url}/predict", session.post if keep else requests.post
            while not self._done.is_set():
                try:
                    answer = post(url, json=ROW, timeout=DEADLINE_SECONDS)
                    answer.raise_for_status()
                    self.answers.append(answer.json())
                except requests.RequestException as error:
                    self.failures.append(repr(error))


def test_every_promotion_is_served_at_the_next_request_by_every_worker(
    registry: Registry, start_service: StartService
) -> None:
    models = {str(publish(registry, m)): m for m in (small_model(seed=n) for n in range(5))}
    expected = {version: prediction(model) for version, model in models.items()}
    assert len(set(expected.values())) == len(models)
    promote(registry, 1)
    service = start_service(workers=3)
    every_worker: set[str] = set()
    with ThreadPoolExecutor(9) as clients:
        for turn in range(30):
            version = str(1 + (turn * 2 + 1) % len(models))
            promote(registry, int(version))
            workers: set[str] = set()

            def ask_all(version: str = version, workers: set[str] = workers) -> bool:
                for answer in clients.map(lambda _: service.predict(ROW), range(9)):
                    assert answer.json()["version"] == version
                    assert answer.json()["prediction"] == expected[version]
                    workers.add(answer.headers["X-Request-ID"].partition("-")[0])
                return len(workers) == 3

            until(ask_all)
            every_worker |= workers
    assert len(every_worker) == 3


def test_no_request_fails_while_versions_change(
    registry: Registry, start_service: StartService
) -> None:
    models = {str(publish(registry, m)): m for m in (small_model(seed=n) for n in range(4))}
    expected = {version: prediction(model) for version, model in models.items()}
    promote(registry, 1)
    load = Load(start_service(workers=2))
    with load.running():
        for turn in range(30):
            promote(registry, 1 + (turn + 1) % len(models))
            load.wait_for(5)
    assert load.failures == []
    for answer in load.answers:
        assert answer["prediction"] == expected[answer["version"]]
    assert {answer["version"] for answer in load.answers} == set(models)


def test_no_request_fails_while_a_worker_is_replaced(
    registry: Registry, start_service: StartService
) -> None:
    serve(registry, small_model())
    service = start_service(workers=2)
    load = Load(service)

    def booted() -> list[int]:
        messages = [entry["message"] for entry in service.log()]
        return [int(text.split()[-1]) for text in messages if text.startswith("Booting worker")]

    with load.running():
        os.kill(until(booted)[0], signal.SIGTERM)
        until(lambda: len(booted()) == 3)
        load.wait_for(50)
    assert load.failures == []


def test_a_promoted_version_that_does_not_verify_never_goes_live(
    registry: Registry, start_service: StartService
) -> None:
    good, better = small_model(seed=0), small_model(seed=1)
    serve(registry, good)
    service = start_service(workers=2)
    file = service.models / f"{publish(registry, better)}.npz"
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    forge_promotion(service.models, 2, hashlib.sha256(content[:-100]).hexdigest())

    def refusals() -> list[dict[str, Any]]:
        return [entry for entry in service.log() if entry["level"] == "ERROR"]

    def answers() -> set[tuple[str, float]]:
        found = [service.predict(ROW).json() for _ in range(20)]
        return {(answer["version"], answer["prediction"]) for answer in found}

    assert answers() == {("1", prediction(good))}
    assert answers() == {("1", prediction(good))}
    listed = service.get("/models").json()
    assert listed["current"] == "1"
    assert "damaged or cut short" in listed["versions"][0]["refused"]
    assert 1 <= len(refusals()) <= service.workers
    for entry in refusals():
        assert entry["logger"] == "service.model.current_version"
        assert entry["message"].startswith("promotion 2 is refused: the file is damaged")

    assert service.stop() == 0
    service.start()
    assert answers() == {("1", prediction(good))}
    assert len(refusals()) > service.workers

    forge_promotion(service.models, 2, hashlib.sha256(content).hexdigest())
    assert answers() == {("1", prediction(good))}
    file.write_bytes(content)
    until(lambda: answers() == {("2", prediction(better))}, RETRY_SECONDS + 3.0)


def test_a_deleted_folder_stops_nothing_and_a_new_one_is_followed(
    registry: Registry, start_service: StartService
) -> None:
    old, new = small_model(seed=0), small_model(seed=1)
    serve(registry, old)
    service = start_service(workers=2)
    until(lambda: [entry["message"] for entry in service.log()].count("serving version 1") == 2)
    shutil.rmtree(service.models)
    for _ in range(20):
        assert service.predict(ROW).json()["prediction"] == prediction(old)
    assert service.get("/readyz").status_code == 200
    serve(registry, new)
    for _ in range(20):
        assert service.predict(ROW).json()["prediction"] == prediction(new)


def test_without_a_model_it_waits_for_the_first_training(start_service: StartService) -> None:
    service = start_service(workers=2)
    assert not service.models.exists()
    answer = service.predict(ROW)
    document = assert_problem(answer.status_code, answer.content, answer.headers, expected=503)
    assert int(answer.headers["Retry-After"]) > 0
    assert service.get("/livez").status_code == 200
    assert service.get("/readyz").status_code == 503
    script = document["detail"].partition("run ")[2].partition(",")[0]
    assert script == "trainer/train.py"
    subprocess.run(
        [sys.executable, script, "--samples", "200", "--epochs", "2"],
        cwd=ROOT,
        env=os.environ | {"NUMNET_MODELS": str(service.models)},
        check=True,
        capture_output=True,
    )
    for _ in range(10):
        assert service.predict(ROW).json()["version"] == "1"
    assert service.get("/readyz").status_code == 200


def test_it_starts_on_a_read_only_folder(
    registry: Registry, start_service: StartService, tmp_path: Path
) -> None:
    serve(registry, model := small_model())
    models = tmp_path / "models"
    folders = [models, models / "promotions"]
    # root may write anywhere unless it gives that up
    wrapper = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert subprocess.run([*wrapper, "touch", models / "x"], check=False).returncode != 0
        service = start_service(wrapper=wrapper)
        assert service.predict(ROW).json()["prediction"] == prediction(model)
        assert service.get("/models").json()["current"] == "1"
        assert [entry for entry in service.log() if entry["level"] != "INFO"] == []
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_stop_answers_what_is_under_way_and_a_start_serves_the_same(
    registry: Registry, start_service: StartService
) -> None:
    serve(registry, model := small_model())
    service = start_service(workers=1)
    X = random_rows(5_000)
    body = orjson.dumps({"instances": X.tolist()})
    with ExitStack() as open_:
        kept = open_.enter_context(requests.Session())
        assert kept.post(f"{service.url}/predict", json=ROW).headers["Connection"] == "keep-alive"
        under_way = [open_.enter_context(service.connect()) for _ in range(3)]
        for connection in under_way:
            connection.sendall(head(JSON, f"Content-Length: {len(body)}", "Expect: 100-continue"))
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body[:-10])
        service.process.send_signal(signal.SIGTERM)
        until(lambda: any("signal: term" in entry["message"] for entry in service.log()))
        until(
            lambda: kept.post(f"{service.url}/predict", json=ROW).headers["Connection"] == "close"
        )
        for connection in under_way:
            connection.sendall(body[-10:])
        for connection in under_way:
            status, _, content = received(connection)
            assert status == 200
            predictions = orjson.loads(content)["predictions"]
            assert np.array_equal(predictions, model.predict(X)[:, 0])
    assert service.process.wait(DEADLINE_SECONDS) == 0
    service.start()
    assert service.predict(ROW).json()["prediction"] == prediction(model)
    assert service.stop() == 0


@pytest.mark.parametrize(
    "setting",
    [
        {"NUMNET_PORT": "http"},
        {"NUMNET_WORKERS": "-1"},
        {"NUMNET_MODELS": "s3://bucket/prefix"},
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line(setting: dict[str, str]) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    outcome = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=kept | setting,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    (name,) = setting
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"error: {name}")
    assert outcome.stderr.count("\n") == 1


def test_an_interrupt_to_the_whole_group_stops_everything_soon(
    start_service: StartService,
) -> None:
    """As Ctrl-C does; repeated, since what it guards against happened only now and then."""
    service = start_service(workers=2)
    for _ in range(5):
        assert service.predict(ROW).status_code == 503
        process = service.process
        assert process
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=DEADLINE_SECONDS) == 0
        service.start()
