"""The OpenAPI document is complete and correct."""

import contextlib
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.exceptions import (
    BadRequest,
    MethodNotAllowed,
    RequestEntityTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)

from config import Settings
from export import NotExportable
from registry import (
    FeaturesDiffer,
    NoPreviousVersion,
    Registry,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from service.app import create_app
from service.openapi import contract
from service.openapi.document import (
    CAPACITY,
    described_rules,
    document,
    methods_of,
    path_of,
)
from service.openapi.problem_responses import problem_slugs
from service.services import services_of
from service.web.errors import (
    DataFolderFull,
    Forbidden,
    InvalidInput,
    Misdirected,
    NoIntervals,
    NoModel,
    NotSupported,
    TooManyWrongTokens,
    Unauthorized,
)
from service.web.problems import PREFIX, PROBLEMS
from service.web.tokens import authorization
from service.web.tokens.authorization import is_admin_only, token_schemes
from tests.service.conftest import ADMIN, TOKEN
from tests.service.documented import (
    DocumentedClient,
    assert_documented_event,
    document_of,
    document_of_model,
)
from tests.service.small_models import AWKWARD_FEATURES, FEATURES, serve, small_model
from tests.service.trained_app import trained_app
from tests.trainer.installation import LONG, TINY, Installation
from trainer.jobs import JobConflict, JobFinished, TableExists

ROOT = Path(__file__).resolve().parents[3]
DIALECT = re.compile(r"/(v1|v2|invocations|ping|health|version)(/|\Z)")  # of other servers
ASSETS = {"docs.start", "docs.asset"}  # of the page
PAGE = re.compile(r"dashboard\.(?!.*_json$|traffic$)")  # for people; its JSON twin is described
TWINS = (
    "/now.json",
    "/now/traffic.json",
    "/retraining.json",
    "/try.json",
    "/versions.json",
    "/versions/1.json",
    "/versions/compare.json",
)

TABLE = "a,y\n" + "".join(f"{row % 7},{row * row}\n" for row in range(12))

Document = dict[str, Any]


def get_document(client: FlaskClient) -> Document:
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    document: Document = answer.get_json()
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


@pytest.mark.slow
@pytest.mark.parametrize(
    ("features", "targets"),
    [((), ()), (FEATURES, ("y",)), (("instances", *AWKWARD_FEATURES), ("y", "z"))],
)
def test_the_document_is_valid_openapi(
    features: tuple[str, ...], targets: tuple[str, ...], registry: Registry, client: FlaskClient
) -> None:
    if features:
        serve(registry, small_model(features, targets))
    assert list(OpenAPIV31SpecValidator(get_document(client)).iter_errors()) == []


def test_every_route_and_method_is_documented(app: Flask) -> None:
    document = get_document(app.test_client())
    routes = {
        (method, path_of(rule, "pump"))
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in ASSETS and not PAGE.match(rule.endpoint)
        for method in methods_of(rule)
    }
    of_model = document_of_model(app, "pump")
    documented = {
        (method, path) for each in (document, of_model) for method, path, _ in operations(each)
    }
    assert documented == routes, "describe a view with `service.openapi.contract.operation`"


def test_document_of_a_model_has_its_name_and_its_own_features(
    models: Path, client: FlaskClient
) -> None:
    serve(Registry.local(models / "pump"), small_model(("flow", "head")))
    answer = client.get("/models/pump/openapi.json")
    assert answer.status_code == 200
    made = answer.get_json()
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []
    assert "flow" in made["components"]["schemas"]["Row"]["properties"]
    assert made["components"]["schemas"]["ModelName"]["enum"] == ["pump"]
    paths = made["paths"].keys() - {"/invocations"}  # which has the name in a header
    assert all("pump" in path or "{name}" in path for path in paths)
    assert "/models/pump/predict" in made["paths"]
    assert "/predict" not in made["paths"]
    assert "/models/{version}" not in made["paths"]
    main = get_document(client)
    assert main["components"]["schemas"]["ModelName"]["enum"] == ["numnet"]
    assert not any("pump" in path for path in main["paths"])
    assert client.get("/models/valve/openapi.json").status_code == 404


def test_every_summary_is_the_docstring_of_its_view(app: Flask) -> None:
    seen = set()
    for _, path, operation in operations(get_document(app.test_client())):
        view = app.view_functions[operation["operationId"].partition(":")[0]]
        assert view.__doc__
        assert operation["summary"] == view.__doc__.split("\n")[0].removesuffix("."), path
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        assert ("security" in operation) == is_admin_only(view)
        for answer in operation["responses"].values():
            assert "X-Request-ID" in answer["headers"]


def test_schemas_have_the_features_of_the_current_version(
    registry: Registry, client: FlaskClient
) -> None:
    for features in (FEATURES, AWKWARD_FEATURES, ("instances",)):
        model = small_model(features, ("y", "z"), feature_range=(0.25, 2.0))
        serve(registry, model)
        schemas = get_document(client)["components"]["schemas"]
        row = schemas["Row"]
        assert list(row["properties"]) == [*features, "y", "z"]
        assert row["required"] == sorted(features)
        assert row["additionalProperties"] is False
        for feature in features:
            assert row["properties"][feature] == {
                "type": "number",
                "format": "double",
                "description": "seen in training: 0.25 to 2",
                "examples": [0.25, 2.0],
            }
        assert schemas["Values"]["maxItems"] == len(features)
        assert list(schemas["Prediction"]["properties"]) == ["y", "z"]
        example = schemas["PredictBody"]["example"]
        assert example == dict.fromkeys(features, 0.25)
        assert client.post("/predict", json=example).status_code == 200


@pytest.mark.parametrize("targets", [("y",), ("y", "z")])
@pytest.mark.parametrize("features", [FEATURES, AWKWARD_FEATURES, ("input",)])
def test_example_bodies_are_accepted(
    registry: Registry, client: FlaskClient, features: tuple[str, ...], targets: tuple[str, ...]
) -> None:
    serve(registry, small_model(features, targets, feature_range=(0.25, 2.0)))
    taken = set()
    for method, path, operation in operations(get_document(client)):
        body = operation.get("requestBody", {"content": {}})["content"].get("application/json", {})
        for example in body.get("schema", {}).get("examples", []):
            answer = client.open(path.replace("{name}", "numnet"), method=method, json=example)
            assert answer.status_code == 200, (path, example, answer.text)
            taken.add(path)
    assert taken == {
        "/invocations",
        "/v1/models/{name}:predict",
        "/v2/models/{name}/infer",
    }


def test_schemas_of_paths_with_a_version_allow_any_features(
    registry: Registry, client: FlaskClient
) -> None:
    """A version in the path may have other features than the current one."""
    serve(registry, small_model(("a", "b")))
    serve(registry, small_model())
    rows = {"instances": [{"a": 1.0, "b": 2.0}]}
    columns = {"inputs": {"a": [1.0], "b": [[2.0]]}}
    tensor = {"name": "input", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    for path, body in (
        ("/v1/models/numnet/versions/1:predict", rows),
        ("/v1/models/numnet/versions/1:predict", columns),
        ("/v2/models/numnet/versions/1/infer", {"inputs": [tensor]}),
    ):
        assert client.post(path, json=body).status_code == 200
        assert client.post(path.replace("/versions/1", ""), json=body).status_code == 400


def test_document_is_made_once_per_version(registry: Registry, client: FlaskClient) -> None:
    made = services_of(client.application).documents
    current_version = services_of(client.application).models.default.current_version

    def content(model: str) -> bytes:
        version = current_version.current()
        return made.content(version, model, is_default=model == "numnet")

    without = content("numnet")
    assert content("numnet") is without
    serve(registry, small_model())
    first = content("numnet")
    assert first != without
    assert content("numnet") is first
    for number in range(CAPACITY):
        assert content(f"other{number}") is content(f"other{number}") != first
    assert content("numnet") is not first  # documents of other models have displaced it


def test_default_model_has_two_documents(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model())
    for _ in range(2):
        assert client.get("/models/numnet/openapi.json").get_json()["info"]["title"] == (
            "numnet: numnet"
        )
        assert get_document(client)["info"]["title"] == "numnet"


@pytest.mark.slow
def test_without_a_model_rows_may_have_any_features(client: FlaskClient) -> None:
    row = get_document(client)["components"]["schemas"]["Row"]
    assert row["additionalProperties"] == {"type": ["number", "string", "boolean", "null"]}
    assert client.post("/predict", json={"x1": 0.5}).status_code == 503


def test_docs_list_all_problems() -> None:
    table = re.findall(r"^\| (\d+) \| `/problems/(.+?)`", (ROOT / "docs/http.md").read_text(), re.M)
    listed = {slug: int(status) for status, slug in table}
    listed["not-implemented"] = 501  # never as a problem document
    assert listed == {slug: problem.status for slug, problem in PROBLEMS.items()}


FAULTS: dict[str, Exception] = {
    "bad-request": BadRequest("no JSON"),
    "unauthorized": Unauthorized("no token"),
    "forbidden": Forbidden("wrong token"),
    "too-many-requests": TooManyWrongTokens(1.5),
    "not-found": VersionNotFound(7),
    "method-not-allowed": MethodNotAllowed(["GET"]),
    "request-timeout": RequestTimeout("too slow"),
    "version-refused": VersionRefused("cut short"),
    "nothing-before": NoPreviousVersion("none before"),
    "features-differ": FeaturesDiffer("other features"),
    "job-active": JobConflict("a-job", "running"),
    "job-finished": JobFinished("a-job", "failed"),
    "misdirected-request": Misdirected("another host"),
    "table-exists": TableExists("a.csv"),
    "insufficient-storage": DataFolderFull("no room"),
    "content-too-large": RequestEntityTooLarge("too large"),
    "unsupported-media-type": UnsupportedMediaType("no JSON"),
    "invalid-input": InvalidInput([{"pointer": "", "detail": "is wrong"}], {"x1": 0.0}),
    "internal-server-error": RuntimeError("a bug"),
    "not-implemented": NotSupported("no such thing"),
    "no-model": NoModel("nothing yet"),
    "no-intervals": NoIntervals("no scores"),
    "not-exportable": NotExportable("an ensemble"),
    "service-unavailable": StorageError("gone"),
}


def failing(view: Callable[..., Any], error: Exception) -> Callable[..., NoReturn]:
    @wraps(view)
    def fail(**_: Any) -> NoReturn:
        raise error

    return fail


@pytest.mark.slow
def test_every_documented_problem_is_answered_as_documented(
    client: DocumentedClient,
) -> None:
    app = client.application
    documented = {
        (method, path, int(status))
        for method, path, operation in operations(get_document(client))
        for status in operation["responses"]
        if int(status) >= 400
    }
    client.met.clear()
    for rule, view, described in described_rules(app, one_model=False):
        needs_token = bool(token_schemes(app, view, rule.rule))
        for slug in problem_slugs(described, needs_token=needs_token):
            app.view_functions[rule.endpoint] = failing(view, FAULTS[slug])
            for method in methods_of(rule):
                answer = client.open(re.sub(r"<[^>]+>", "1", rule.rule), method=method)
                assert described.dialect or answer.get_json()["type"] == PREFIX + slug
        app.view_functions[rule.endpoint] = view
    assert client.met == documented


@pytest.fixture
def trained(tmp_path: Path) -> Iterator[DocumentedClient]:
    """A client of an application with two trained versions."""
    app = trained_app(tmp_path, versions=2)
    app.test_client_class = DocumentedClient
    client = app.test_client()
    assert isinstance(client, DocumentedClient)
    yield client
    services_of(app).jobs.close()


def test_every_success_matches_the_document(trained: DocumentedClient) -> None:
    documented = {
        (method, path, int(status))
        for method, path, operation in operations(get_document(trained))
        for status in operation["responses"]
        if int(status) < 400 and not DIALECT.match(path)
    }
    key = ADMIN | {"Idempotency-Key": "a-key"}
    row = dict.fromkeys(FEATURES, 2.0)
    trained.post("/predict", json=row)
    trained.post("/predict", json={"instances": [row, [0.5] * 4]})
    trained.post("/predict?interval=0.8", json=row)
    trained.post("/predict?interval=0.8", json={"instances": [row, [0.5] * 4]})
    for path in ("", "/2", "/2/weights.npz", "/2/evaluation", "/2/report"):
        trained.get(f"/models{path}")
    exported = trained.get("/models/2/model.onnx")
    trained.get("/models/2/model.onnx", headers={"If-None-Match": exported.headers["ETag"]})
    for path in ("/1/promote", "/rollback"):
        trained.post(f"/models{path}", headers=ADMIN)
    job = f"/{trained.post('/retrain', headers=key).headers['Location']}"
    trained.post("/retrain", headers=key)
    paths = ("/livez", "/readyz", "/metrics", "/docs", "/retrain", job, *TWINS)
    for path in (*paths, job.replace("/retrain/", "/retraining/") + ".json"):
        trained.get(path)
    trained.delete(job, headers=ADMIN)
    events = trained.get(f"{job}/events").text
    assert_documented_event(document_of(trained.application), events)
    last = re.findall(r"^id: (\d+)$", events, flags=re.M)[-1]
    trained.get(f"{job}/events", headers={"Last-Event-ID": last})
    for _ in range(2):
        trained.post("/data/a.csv", headers=ADMIN, data=TABLE, content_type="text/csv")
        trained.put("/data/b.csv", headers=ADMIN, data=TABLE, content_type="text/csv")
    for path in ("/data", "/data/a.csv", "/data/a.csv/report"):
        trained.get(path, headers=ADMIN)
    trained.delete("/data/a.csv", headers=ADMIN)
    assert {each for each in trained.met if each[2] < 400} == documented


@pytest.mark.slow
def test_jobs_in_every_state_match_the_document(tmp_path: Path) -> None:
    with contextlib.closing(Installation(tmp_path)) as installation:
        app = create_app(replace(installation.settings, admin_token=TOKEN))
        app.test_client_class = DocumentedClient
        client = app.test_client()
        trainer = installation.start_trainer()
        states = []
        for asked in (TINY, TINY | {"samples": None, "data": "none.csv", "targets": ["y"]}):
            job = installation.submit({key: value for key, value in asked.items() if value})
            installation.wait_for(job)
            states.append(client.get(f"/retrain/{job.id}").get_json()["state"])
        job = installation.submit(LONG)
        installation.wait_for(job, epoch=50)
        states.append(client.get(f"/retrain/{job.id}").get_json()["state"])
        states.append(client.delete(f"/retrain/{job.id}", headers=ADMIN).get_json()["state"])
        assert states == ["promoted", "failed", "running", "cancelled"]
        assert len(client.get("/retrain").get_json()["jobs"]) == 3
        assert client.get("/models/1").status_code == 200
        trainer.end(signal.SIGTERM)
        services_of(app).jobs.close()


def test_view_may_have_several_routes_methods_and_media_types() -> None:
    @contract.operation(
        {
            200: contract.ResponseSpec(
                "A number.", {"type": "number"}, others={"text/csv": {"type": "string"}}
            ),
            404: contract.ResponseSpec("None.", {"type": "object"}),
        },
        "not-found",
    )
    def number(of: str = "") -> str:
        """Give a number."""
        return of

    other = Flask("other")
    authorization.register(other, Settings(), str)
    for path in ("/number", "/number/<int:of>"):
        other.add_url_rule(path, "number", number, methods=["GET", "PUT"])
    made = document(other, None)
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []
    found = {operation["operationId"]: operation for _, _, operation in operations(made)}
    assert found.keys() == {
        f"number:{method} /number{of}" for method in ("GET", "PUT") for of in ("", "/{of}")
    }
    for each in found.values():
        assert [*each["responses"]["200"]["content"]] == ["application/json", "text/csv"]
        assert [*each["responses"]["404"]["content"]] == ["application/json"]
        assert [*each["responses"]] == ["200", "404", "405", "408", "421", "500", "503"]


def test_dialect_has_its_own_error_documents_and_statuses() -> None:
    @contract.operation(
        {200: contract.ResponseSpec("A number.", {"type": "number"})},
        "invalid-input",
        body=contract.BodySpec({"application/json": {"type": "object"}}),
        dialect=contract.Dialect({"type": "string"}, lambda status, message: {}, {422: 400}),
    )
    def number() -> str:
        """Give a number."""
        return ""

    other = Flask("other")
    authorization.register(other, Settings(), str)
    other.add_url_rule("/number", "number", number, methods=["POST"])
    [(_, _, made)] = operations(document(other, None))
    assert [*made["responses"]] == ["200", "400", "405", "408", "413", "415", "421", "500", "503"]
    refused = made["responses"]["400"]
    assert refused["content"] == {"application/json": {"schema": {"type": "string"}}}
    assert refused["description"].endswith(" says; or values are wrong; each is listed, up to 20.")
