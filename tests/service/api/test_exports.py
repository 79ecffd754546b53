import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from export import FORMATS, Source, write
from registry import Registry
from service.api.exports import endpoint
from tests.export.models import EXAMPLES, LEVEL
from tests.export.onnx.runtime import inputs_of
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    publish,
    serve,
    small_model,
    some_calibration,
    table_model,
)

ONNX = "/models/1/model.onnx"


def refused(answer: TestResponse, status: int) -> dict[str, Any]:
    return assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=status)


def run(content: bytes, inputs: dict[str, Any]) -> list[Any]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, inputs)
    return found


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_version_can_be_downloaded_in_every_format(
    suffix: str, registry: Registry, client: FlaskClient
) -> None:
    serve(registry, table_model(), some_calibration())
    for query in ("", "?level=0.8"):
        answer = client.get(f"/models/1/model.{suffix}{query}")
        assert (answer.status_code, len(answer.data) > 500) == (200, True)
        assert answer.content_type == FORMATS[suffix].media_type
        file = f'attachment; filename="numnet-1.{suffix}"'
        assert answer.headers["Content-Disposition"] == file


def test_a_file_predicts_as_the_service(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model(), some_calibration())
    row = {"x1": 0.1, "x2": -0.5, "x3": 0.9, "x4": 0.0}
    answer = client.post(f"/predict?interval={LEVEL}", json=row).get_json()
    expected = [answer["prediction"], answer["lower"], answer["upper"]]
    inputs = {name: np.array([[value]]) for name, value in row.items()}
    found = run(client.get(f"{ONNX}?level={LEVEL}").data, inputs)
    assert np.ravel(found) == pytest.approx(expected, rel=1e-12)


def test_a_version_that_is_not_current_can_be_exported(
    registry: Registry, client: FlaskClient
) -> None:
    example = EXAMPLES["ensemble of mixed columns"]
    serve(registry, small_model())
    publish(registry, example.model, example.calibration)
    found = run(client.get("/models/2/model.onnx").data, inputs_of(example))
    example.assert_close(found[0], example.expected()[0])


def test_a_version_of_another_model_can_be_exported(client: FlaskClient, models: Path) -> None:
    pump = Registry.local(models / "pump")
    serve(pump, small_model(("flow", "head")))
    answer = client.get("/models/pump/1/model.onnx")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="pump-1.onnx"'
    run(answer.data, {"flow": np.zeros((1, 1)), "head": np.zeros((1, 1))})
    missing = refused(client.get("/models/pump/2/model.onnx"), 404)
    assert missing["detail"] == "there is no version 2"


def test_a_file_that_the_caller_has_is_not_sent_again(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model(), some_calibration())
    first = client.get(ONNX)
    assert first.headers["Cache-Control"] == "private, no-cache"
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get(ONNX, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"{ONNX}?level=0.8", headers=known).status_code == 200


def test_one_file_is_written_at_a_time(
    registry: Registry, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(registry, small_model())
    together = threading.Barrier(2)
    met = list[int]()

    def write_together(source: Source, suffix: str) -> bytes:
        with suppress(threading.BrokenBarrierError):
            met.append(together.wait(0.3))
        return write(source, suffix)

    monkeypatch.setattr(endpoint, "write", write_together)
    with ThreadPoolExecutor() as pool:
        clients = [client.application.test_client() for _ in range(2)]
        answers = list(pool.map(lambda each: each.get(ONNX).status_code, clients))
    assert answers == [200, 200]
    assert met == []


def test_an_unknown_format_is_404_with_those_that_there_are(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model())
    document = refused(client.get("/models/1/model.pdf"), 404)
    assert document["detail"] == f"'pdf' is no format; expected one of {', '.join(FORMATS)}"


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("level=0", "level", "must be above 0"),
        ("level=1", "level", "below 1"),
        ("level=high", "level", "number"),
        ("level=0.999", "level", "is too high for version 1"),
        ("level=0.5&level=0.6", "level", "must be given once"),
        ("interval=0.5", "interval", "is not a query parameter"),
        ("form=flat", "form", 'must be folded, got "flat"'),
    ],
)
def test_wrong_parameters_are_refused(
    query: str, parameter: str, detail: str, registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model(), some_calibration())
    (error,) = refused(client.get(f"{ONNX}?{query}"), 422)["errors"]
    assert error["parameter"] == parameter
    assert detail in error["detail"]


def test_a_level_needs_residual_scores(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model())
    assert "residual scores" in refused(client.get(f"{ONNX}?level=0.9"), 409)["detail"]


def test_a_version_that_has_no_folded_form_is_409(registry: Registry, client: FlaskClient) -> None:
    serve(registry, table_model())
    document = refused(client.get(f"{ONNX}?form=folded"), 409)
    assert document["type"] == "/problems/not-exportable"
    assert "features are numbers" in document["detail"]


def test_the_folded_form_can_be_downloaded(registry: Registry, client: FlaskClient) -> None:
    model = small_model()
    serve(registry, model)
    X = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
    found = run(client.get(f"{ONNX}?form=folded").data, {"x": X})
    np.testing.assert_allclose(found[0], model.predict(X), rtol=1e-12)
