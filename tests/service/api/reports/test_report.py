"""`GET /models/{v}/report`."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from export.report.page import policy
from registry import Registry
from tests.service.small_models import serve, small_model, some_calibration


@pytest.fixture
def served(registry: Registry, models: Path, client: FlaskClient) -> FlaskClient:
    serve(registry, small_model(), some_calibration())
    serve(Registry.local(models / "pump"), small_model(("flow", "head")))
    return client


def test_the_report_is_a_page_that_may_load_nothing(served: FlaskClient) -> None:
    answer = served.get("/models/1/report")
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == f"{policy()}; frame-ancestors 'none'"
    assert "Content-Disposition" not in answer.headers
    assert "<h1>numnet, version 1</h1>" in answer.text


def test_the_report_of_another_model_has_its_name_and_features(served: FlaskClient) -> None:
    answer = served.get("/models/pump/1/report")
    assert "<h1>pump, version 1</h1>" in answer.text
    assert "y by flow" in answer.text


@pytest.mark.parametrize(("path", "file"), [("1", "numnet-1"), ("pump/1", "pump-1")])
def test_a_downloaded_report_is_a_file(served: FlaskClient, path: str, file: str) -> None:
    answer = served.get(f"/models/{path}/report?download=true")
    expected = f'attachment; filename="{file}-report.html"'
    assert answer.headers["Content-Disposition"] == expected
    assert answer.data == served.get(f"/models/{path}/report?download=false").data


@pytest.mark.parametrize("query", ["download=1", "download=", "download=true&download=true"])
def test_another_value_of_download_is_refused(served: FlaskClient, query: str) -> None:
    answer = served.get(f"/models/1/report?{query}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["parameter"] == "download"


def test_the_report_is_compressed_if_the_client_prefers_it(served: FlaskClient) -> None:
    answer = served.get("/models/1/report", headers={"Accept-Encoding": "gzip"})
    assert b"version 1</h1>" in gzip.decompress(answer.data)
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_a_missing_version_is_404_and_a_damaged_one_409(served: FlaskClient, models: Path) -> None:
    (models / "2.npz").write_bytes(b"damaged")
    assert served.get("/models/3/report").status_code == 404
    assert served.get("/models/2/report").status_code == 409


def test_a_version_that_overflows_has_a_report(registry: Registry, client: FlaskClient) -> None:
    registry.publish(small_model(gain=1e200, feature_range=(-1e300, 1e300)), {}, np.zeros((1, 4)))
    assert client.get("/models/1/report").status_code == 200
