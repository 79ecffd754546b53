"""`GET /models/{v}/evaluation`."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from registry import Registry
from service.services import services_of
from tests.service.documented import DocumentedClient
from tests.service.small_models import serve, small_model
from tests.service.trained_app import trained_app


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    app = trained_app(tmp_path_factory.mktemp("trained"))
    app.test_client_class = DocumentedClient
    yield app.test_client()
    services_of(app).jobs.close()


def test_the_evaluation_has_the_rows_and_metrics_of_the_file(trained: FlaskClient) -> None:
    answer = trained.get("/models/1/evaluation")
    assert answer.status_code == 200
    found = answer.get_json()
    folder: Path = services_of(trained.application).settings.models
    file = Registry.local(folder).load(1)
    assert file.held_out is not None
    assert (found["version"], found["targets"], found["judged_on"]) == ("1", ["y"], "test")
    assert found["pairs"]["y"]["actual"] == file.held_out.actual[:, 0].tolist()
    assert found["pairs"]["y"]["predicted"] == file.held_out.predicted[:, 0].tolist()
    assert found["rows"] == file.held_out.rows.tolist()
    assert found["judged_rows"] == len(found["rows"]) == 6
    assert found["metrics"] == file.card["metrics"]["test"]
    assert len(found["losses"][0]["epochs"]) == 3
    assert found["importance"]["y"].keys() == {"x1", "x2", "x3", "x4"}


def test_the_evaluation_of_a_model_by_its_name_is_the_same(trained: FlaskClient) -> None:
    by_name = trained.get("/models/numnet/1/evaluation").get_json()
    assert by_name == trained.get("/models/1/evaluation").get_json()


def test_the_evaluation_is_compressed_if_the_client_prefers_it(trained: FlaskClient) -> None:
    answer = trained.get("/models/1/evaluation", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.data))["version"] == "1"


def test_what_a_version_of_an_earlier_release_lacks_is_empty(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model())
    found = client.get("/models/1/evaluation").get_json()
    assert (found["judged_on"], found["judged_rows"]) == (None, None)
    for name in ("losses", "rows"):
        assert found[name] == []
    for name in ("pairs", "coverage", "importance"):
        assert found[name] == {}


def test_a_missing_version_is_404_and_a_damaged_one_409(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    serve(registry, small_model())
    (models / "2.npz").write_bytes(b"damaged")
    assert client.get("/models/3/evaluation").status_code == 404
    assert client.get("/models/2/evaluation").status_code == 409
