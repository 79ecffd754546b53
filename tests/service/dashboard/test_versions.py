"""The pages of versions: the table, one version, two side by side, and what cannot be read."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from export.report.evaluation import Evaluation, Pairs
from registry import Registry
from service.dashboard.pages.compare import _same_rows
from service.dashboard.pages.versions import LISTED
from service.services import services_of
from tests.service.conftest import ADMIN
from tests.service.dashboard.test_pages import BROWSER
from tests.service.documented import DocumentedClient
from tests.service.small_models import FEATURES, publish, serve, small_model
from tests.service.trained_app import trained_app


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of an application with two trained versions, which no test changes."""
    app = trained_app(tmp_path_factory.mktemp("trained"), versions=2)
    app.test_client_class = DocumentedClient
    yield app.test_client()
    services_of(app).jobs.close()


def test_table_has_what_decides_between_versions(trained: FlaskClient) -> None:
    document = trained.get("/versions.json").get_json()
    newest, first = document["versions"]
    assert (newest["version"], first["version"]) == ("2", "1")
    assert sorted((newest["state"], first["state"])) == ["in use", "was in use"]
    for each in (newest, first):
        assert each["quality"]["models"][0]["rmse"] > 0
        assert each["rows"] > 0
        assert each["seconds"] > 0
        assert each["solver"]
        assert each["promotion"]["reason"]
        assert each["promotion"]["by"]
    text = trained.get("/versions", headers=BROWSER).text
    assert text.count("data-promote=") == 1  # not of the version in use
    assert newest["promotion"]["by"] in text


def test_page_of_a_version_has_its_figures_training_and_files(trained: FlaskClient) -> None:
    document = trained.get("/versions/2.json").get_json()
    assert document["evaluation"]["losses"][0]["epochs"]
    assert document["evaluation"]["pairs"]
    assert document["details"]["columns"][0]["name"] == FEATURES[0]
    assert document["files"][0]["path"] == "/models/numnet/2/weights.npz"
    text = trained.get("/versions/2", headers=BROWSER).text
    for title in ("Loss", "Predicted against actual", "Residuals", "Distribution"):
        assert f"<strong>{title}" in text
    assert text.count('<svg class="figure') >= 4 or text.count("<svg") >= 4
    assert " style=" not in text
    assert 'href="../models/numnet/2/weights.npz"' in text


def test_every_file_of_a_version_can_be_downloaded(trained: FlaskClient) -> None:
    for file in trained.get("/versions/1.json").get_json()["files"]:
        assert trained.get(file["path"]).status_code == 200, file


def test_two_versions_are_shown_side_by_side(trained: FlaskClient) -> None:
    document = trained.get("/versions/compare.json?a=1&b=2").get_json()
    assert [side["version"] for side in document["sides"]] == ["1", "2"]
    assert document["evaluations"].keys() == {"version 1", "version 2"}
    text = trained.get("/versions/compare?a=1&b=2", headers=BROWSER).text
    assert "<strong>Predicted against actual" in text
    assert re.search(r'<select id="b"[^>]*>\s*<option selected>2', text)


def test_comparison_has_what_only_one_of_the_versions_has(
    registry: Registry, client: FlaskClient
) -> None:
    for recipe in ({"seed": 7}, {"penalty": 0.5, "solver": "adam"}):
        registry.publish(small_model(), {"recipe": recipe}, np.zeros((1, 4)))
    text = client.get("/versions/compare?a=1&b=2", headers=BROWSER).text
    assert re.search(r'"row">Penalty</th><td>–</td><td>0.5<', text)
    assert re.search(r'"row">Seed</th><td>7</td><td>–<', text)
    assert re.search(r'"row">Solver</th><td>–</td><td>adam<', text)
    assert "None" not in text


@pytest.mark.parametrize(
    ("rows", "actual", "is_same"),
    [
        ((2, 0, 1), (5.0, 3.0, 4.0), True),
        ((2, 0, 1), (5.0, 3.0, 4.5), False),
        ((3, 0, 1), (5.0, 3.0, 4.0), False),
        ((), (), False),
    ],
    ids=["other columns", "other values", "other rows", "unknown"],
)
def test_versions_of_other_columns_may_be_judged_on_the_same_rows(
    rows: tuple[int, ...], actual: tuple[float, ...], is_same: bool
) -> None:
    sides = [
        {"details": {"fingerprint": each}, "quality": {"rows": "each of 3 rows"}} for each in "ab"
    ]
    pairs = {"y": Pairs((3.0, 4.0, 5.0), (3.1, 4.1, 5.1))}
    one = Evaluation("out_of_fold", 3, {}, rows=(0, 1, 2), pairs=pairs)
    other = Evaluation("out_of_fold", 3, {}, rows=rows, pairs={"y": Pairs(actual, actual)})
    assert _same_rows(sides, [one, other]) is is_same
    assert _same_rows(sides[:1] * 2, [one, other])  # the same table


def test_comparison_begins_with_the_version_in_use_and_the_newest_other_one(
    trained: FlaskClient,
) -> None:
    in_use = trained.get("/now.json").get_json()["version"]["number"]
    sides = trained.get("/versions/compare.json").get_json()["sides"]
    assert sides[0]["version"] == in_use
    assert sides[1]["version"] != in_use


@pytest.mark.parametrize(
    "query", ["a=0", "a=99", "a=x", "a=1&b=-1", "a=1&b=%C2%B2", "a=9999999999", "model=valve"]
)
def test_comparison_of_a_version_that_does_not_exist_is_404(
    trained: FlaskClient, query: str
) -> None:
    assert trained.get(f"/versions/compare.json?{query}").status_code == 404


def test_version_that_does_not_exist_is_404(trained: FlaskClient) -> None:
    for path in ("/versions/99", "/versions/0", "/versions/007", "/versions/1?model=valve"):
        answer = trained.get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert "<h1>Not Found</h1>" in answer.text


def test_refused_version_is_listed_with_the_reason(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    serve(registry, small_model())
    serve(registry, small_model())
    (models / "1.npz").write_bytes(b"damaged")
    row = client.get("/versions.json").get_json()["versions"][1]
    assert (row["version"], row["state"]) == ("1", "refused")
    assert row["refused"]
    text = client.get("/versions", headers=BROWSER).text
    assert "Failed verification" in text
    assert 'data-promote="1"' not in text
    assert client.get("/versions/1", headers=BROWSER).status_code == 409


def test_version_in_use_is_shown_although_its_file_is_damaged(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    serve(registry, small_model())
    assert client.get("/versions/1.json").status_code == 200
    (models / "1.npz").write_bytes(b"damaged")
    assert client.get("/versions/1.json").get_json()["state"] == "in use"


def test_version_that_was_never_promoted_can_be(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model())
    publish(registry, small_model())
    rows = client.get("/versions.json").get_json()["versions"]
    assert [each["state"] for each in rows] == ["never in use", "in use"]
    assert client.get("/versions.json").get_json()["previous"] is None
    client.post("/models/2/promote", headers=ADMIN)
    document = client.get("/versions.json").get_json()
    assert (document["current"], document["promotions"][0]["reason"]) == ("2", "promoted by hand")


def test_table_offers_to_go_back_to_the_previous_version(
    registry: Registry, client: FlaskClient
) -> None:
    for seed in (1, 2):
        serve(registry, small_model(seed=seed))
    assert client.get("/versions.json").get_json()["previous"] == "1"
    assert 'data-roll-back="1"' in client.get("/versions", headers=BROWSER).text
    client.post("/models/rollback", headers=ADMIN)
    document = client.get("/versions.json").get_json()
    assert document["promotions"][0]["is_rollback"] is True
    assert document["current"] == "1"


def test_long_table_is_continued(registry: Registry, client: FlaskClient) -> None:
    for _ in range(LISTED + 1):
        publish(registry, small_model())
    document = client.get("/versions.json").get_json()
    assert len(document["versions"]) == LISTED
    assert document["next_before"] == "2"
    rest = client.get("/versions.json?before=2").get_json()
    assert [each["version"] for each in rest["versions"]] == ["1"]
    assert rest["next_before"] is None
    for before in ("x", "-1", "9" * 5000):
        document = client.get(f"/versions.json?before={before}").get_json()
        assert len(document["versions"]) == LISTED


def test_names_in_cards_are_escaped(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model(("<script>a", "b&amp;", '"c"', "d")))
    for path in ("/", "/versions", "/versions/1", "/versions/compare"):
        text = client.get(path, headers=BROWSER).text
        assert "<script>a" not in text
    assert "&lt;script&gt;a" in text


def test_versions_before_the_first_one(client: FlaskClient) -> None:
    assert client.get("/versions.json").get_json()["versions"] == []
    assert "No version is trained yet" in client.get("/versions", headers=BROWSER).text
    assert client.get("/versions/compare", headers=BROWSER).status_code == 404
