"""Several models behind one port: what the default has without a name, each has with its own."""

import shutil
from pathlib import Path

import orjson
import pytest
from flask.testing import FlaskClient

from registry import Registry
from service.app import Application
from service.telemetry.request_context import RequestContext
from tests.service.conftest import ADMIN, MakeClient
from tests.service.small_models import FEATURES, publish, serve, small_model

ROW = dict.fromkeys(FEATURES, 0.5)
PUMP = {"flow": 0.25, "head": 0.5}


@pytest.fixture(autouse=True)
def pump(models: Path, registry: Registry) -> Registry:
    """A model of two features beside the default one."""
    serve(registry, small_model())
    found = Registry.local(models / "pump")
    serve(found, small_model(("flow", "head"), seed=1))
    return found


def test_each_model_predicts_from_its_own_features(client: FlaskClient) -> None:
    default, pump = (
        client.post("/predict", json=ROW),
        client.post("/models/pump/predict", json=PUMP),
    )
    assert (default.status_code, pump.status_code) == (200, 200)
    assert client.post("/models/numnet/predict", json=ROW).data == default.data
    assert client.post("/models/pump/predict", json=ROW).status_code == 422
    answer = client.post("/models/pump/predict", json={"instances": [PUMP, PUMP]}).get_json()
    assert answer["predictions"] == [pump.get_json()["prediction"]] * 2
    csv = client.post("/models/pump/predict", data="flow,head\n0.25,0.5\n", content_type="text/csv")
    assert csv.get_json()["predictions"] == [pump.get_json()["prediction"]]


def test_models_are_listed_with_the_versions_of_the_default(
    client: FlaskClient, models: Path, pump: Registry
) -> None:
    serve(pump, small_model(("flow", "head"), seed=2))
    publish(Registry.local(models / "unpromoted"), small_model())
    document = client.get("/models").get_json()
    assert document["models"] == [
        {"name": "numnet", "default": True, "current": "1"},
        {"name": "pump", "default": False, "current": "2"},
        {"name": "unpromoted", "default": False, "current": None},
    ]
    assert (document["current"], len(document["versions"])) == ("1", 1)
    of_pump = client.get("/models/pump").get_json()
    assert of_pump.keys() == {"current", "versions", "promotions"}
    assert [each["version"] for each in of_pump["versions"]] == ["2", "1"]
    assert of_pump["current"] == "2"
    of_default = client.get("/models/numnet").get_json()
    assert of_default == {key: document[key] for key in of_default}


def test_versions_of_a_model_are_shown_downloaded_promoted_and_rolled_back(
    client: FlaskClient, models: Path, pump: Registry
) -> None:
    publish(pump, small_model(("flow", "head"), seed=2))
    before = client.post("/models/pump/predict", json=PUMP).get_json()
    assert client.get("/models/pump/2").get_json()["features"] == ["flow", "head"]
    file = client.get("/models/pump/2/weights.npz")
    assert file.data == (models / "pump" / "2.npz").read_bytes()
    assert file.headers["Content-Disposition"] == 'attachment; filename="pump-2.npz"'
    assert client.post("/models/pump/2/promote").status_code == 401
    assert client.post("/models/pump/2/promote", headers=ADMIN).get_json()["version"] == "2"
    after = client.post("/models/pump/predict", json=PUMP).get_json()
    assert (before["version"], after["version"]) == ("1", "2")
    assert client.post("/models/pump/rollback").status_code == 401
    assert client.post("/models/pump/rollback", headers=ADMIN).get_json()["version"] == "1"
    assert client.post("/models/pump/predict", json=PUMP).get_json() == before
    assert client.post("/models/rollback", headers=ADMIN).status_code == 409  # of the default
    assert client.get("/models/pump/9").status_code == 404
    assert client.post("/models/pump/9/promote", headers=ADMIN).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/1"),
        ("GET", "/1/weights.npz"),
        ("GET", "/1/evaluation"),
        ("GET", "/1/model.onnx"),
        ("GET", "/1/report"),
        ("GET", "/openapi.json"),
        ("POST", "/1/promote"),
        ("POST", "/rollback"),
        ("POST", "/predict"),
    ],
)
def test_missing_model_is_404_everywhere(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(f"/models/valve{path}", method=method, headers=ADMIN, json={})
    assert answer.status_code == 404
    assert answer.get_json()["detail"] == "there is no model valve; there are numnet, pump"


def test_protocols_find_each_model_by_its_name(client: FlaskClient) -> None:
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [0.25, 0.5]}
    expected = client.post("/models/pump/predict", json=PUMP).get_json()["prediction"]
    v2 = client.post("/v2/models/pump/infer", json={"inputs": [tensor]}).get_json()
    assert (v2["model_name"], v2["outputs"][0]["data"]) == ("pump", [expected])
    v1 = client.post("/v1/models/pump:predict", json={"instances": [PUMP]}).get_json()
    assert v1 == {"predictions": [expected]}
    split = {"dataframe_split": {"columns": ["flow", "head"], "data": [[0.25, 0.5]]}}
    of_name = client.post("/invocations", json=split, headers={"X-Model": "pump"})
    assert of_name.get_json() == {"predictions": [expected]}
    assert client.post("/invocations", json=split).status_code == 400  # the default's features
    assert client.get("/v2/models/pump/ready").status_code == 200
    assert client.get("/v2/models/pump").get_json()["versions"] == ["1"]
    assert client.get("/v1/models/pump/metadata").get_json()["model_spec"]["name"] == "pump"
    assert client.get("/v1/models/pump/versions/1").status_code == 200
    unload = client.post("/v2/repository/models/pump/unload", headers=ADMIN)
    assert "POST /models/pump/{version}/promote" in unload.get_json()["error"]
    load = client.post("/v2/repository/models/pump/load", headers=ADMIN)
    assert load.get_json() == {"name": "pump", "version": "1"}


def test_header_with_another_model_is_refused_where_it_does_not_choose(
    client: FlaskClient,
) -> None:
    for path, name, status in (
        ("/predict", "pump", 400),
        ("/predict", "numnet", 200),
        ("/models/numnet/predict", "pump", 400),
        ("/models/numnet/predict", "numnet", 200),
    ):
        answer = client.post(path, json=ROW, headers={"X-Model": name})
        assert answer.status_code == status
    detail = client.post("/predict", json=ROW, headers={"X-Model": "pump"}).get_json()["detail"]
    assert detail.startswith("X-Model is pump, and this request is about numnet; POST /models/NAME")
    answer = client.post("/retrain", json={}, headers=ADMIN | {"X-Model": "pump"})
    assert answer.status_code == 400


def test_fast_path_leaves_the_header_to_the_check(client: FlaskClient) -> None:
    app = client.application
    assert isinstance(app, Application)
    context = RequestContext("POST", "/predict", "127.0.0.1", "id")
    fields = {b"content-type": b"application/json"}
    assert app.fast_path(context, b"", fields, orjson.dumps(ROW))
    assert app.fast_path(context, b"", fields | {b"x-model": b"pump"}, orjson.dumps(ROW)) is None


@pytest.mark.parametrize("path", ["", "/1", "/openapi.json"])
def test_deleted_model_is_gone_with_the_next_request(
    client: FlaskClient, models: Path, path: str
) -> None:
    assert client.get("/models/pump").status_code == 200
    shutil.rmtree(models / "pump")
    assert client.get(f"/models/pump{path}").status_code == 404
    assert client.post("/models/pump/predict", json=PUMP).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v2/models/valve/ready", "/v2/models/valve", "/v1/models/valve", "/v2/models/7/stats"]
)
def test_protocols_answer_missing_models_in_their_formats(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "there are numnet, pump" in answer.get_json()["error"]


def test_mlflow_answers_a_missing_model_in_its_format(client: FlaskClient) -> None:
    answer = client.post("/invocations", json={}, headers={"X-Model": "valve"})
    assert answer.status_code == 404
    assert answer.get_json()["message"] == "there is no model valve; there are numnet, pump"


def test_repository_index_has_all_models(client: FlaskClient, models: Path) -> None:
    publish(Registry.local(models / "broken"), small_model())
    (models / "broken" / "1.npz").write_bytes(b"no model")
    index = client.post("/v2/repository/index").get_json()
    assert [(each["name"], each["state"]) for each in index] == [
        ("numnet", "READY"),
        ("broken", "UNAVAILABLE"),
        ("pump", "READY"),
    ]
    ready = client.post("/v2/repository/index", json={"ready": True}).get_json()
    assert [each["name"] for each in ready] == ["numnet", "pump"]


def test_readiness_is_about_the_default_model(models: Path, make_client: MakeClient) -> None:
    client = make_client(models=models, model_name="pump")
    assert client.get("/readyz").get_json() == {"status": "ready", "version": "1"}
    assert client.get("/models").get_json()["models"][0]["name"] == "pump"
    client = make_client(models=models / "empty")
    serve(Registry.local(models / "empty" / "pump"), small_model(("flow", "head")))
    assert client.get("/readyz").status_code == 503
    assert client.get("/v2/models/pump/ready").status_code == 200


def test_page_of_the_api_is_there_for_each_model(client: FlaskClient) -> None:
    page = client.get("/models/pump/docs")
    assert (page.status_code, 'src="docs/start.js"' in page.text) == (200, True)
    assert client.get("/models/valve/docs").status_code == 404
    assert client.get("/models/pump/docs/start.js").data == client.get("/docs/start.js").data
    with client.get("/models/pump/docs/swagger-ui.css") as sheet:
        assert sheet.status_code == 200
