"""What all pages have in common: policy, JSON twin, static files, links, and errors as pages."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from registry import Registry
from service.dashboard.static_files import FOREVER
from tests.service.conftest import MakeClient
from tests.service.small_models import serve, small_model

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = (
    "/",
    "/try",
    "/versions",
    "/versions/1",
    "/versions/compare",
)


def static_paths(answer: TestResponse) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]*static/[^"]*)"', answer.text)


@pytest.mark.parametrize("path", [*PAGES, "/sign-in"])
def test_page_has_a_policy_without_inline_scripts_and_styles(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son\w+=", answer.text)
    assert not re.search(r"(?:href|src|action)=\"(?:https?:)?//", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_static_files_are_kept_forever_under_their_hash(app: Flask) -> None:
    client = app.test_client()
    paths = static_paths(client.get("/", headers=BROWSER))
    assert paths
    for path in paths:
        answer = client.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == FOREVER
        packed = client.get(f"/{path}", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.data) < len(answer.data)


def test_static_file_under_another_releases_hash_is_not_kept(app: Flask) -> None:
    answer = app.test_client().get("/static/0123456789abcdef/style.css")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["nothing.css", "vendor", "../policy.py", "%2e%2e/policy.py", "vendor/manifest.json"]
)
def test_static_files_are_only_those_of_pages(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/static/0123456789abcdef/{name}").status_code == 404


def test_client_that_does_not_prefer_html_gets_an_index(app: Flask) -> None:
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        answer = app.test_client().get("/", headers=headers)
        assert answer.content_type == "application/json"
        assert "Accept" in answer.vary
        for link in answer.get_json()["links"].values():
            status = app.test_client().get(f"/{link}").status_code
            assert status in (200, 405), link


def test_links_keep_the_model_of_the_page(make_client: MakeClient, models: Path) -> None:
    client = make_client()
    for name in ("", "pump"):
        serve(Registry.local(models / name), small_model())
    answer = client.get("/?model=pump", headers=BROWSER)
    assert 'data-model="pump"' in answer.text
    assert '<option value="pump" selected>' in answer.text
    assert 'href="models/pump/docs"' in answer.text
    assert client.get("/now.json?model=pump").get_json()["model"] == "pump"
    # /versions, as another model may have no version 1
    assert 'method="get" action="../versions"' in client.get("/versions/1", headers=BROWSER).text
    assert client.get("/now.json?model=valve").status_code == 404


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("/versions/1", "../versions"),
        ("/versions/compare", "../versions"),
        ("/versions", "versions"),
        ("/versions/", "../versions"),
        ("/versions/1/nothing/else", "../../../versions"),
    ],
)
def test_every_page_has_one_address(client: FlaskClient, page: str, link: str) -> None:
    text = client.get(page, headers=BROWSER).text
    assert f'<a href="{link}"' in text


def test_links_are_right_behind_a_proxy_that_strips_a_prefix(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/", headers=BROWSER, environ_overrides={"SCRIPT_NAME": "/ml"})
    assert 'href="/ml/docs"' in answer.text
    assert 'data-root="/ml/"' in answer.text
    assert all(path.startswith("/ml/static/") for path in static_paths(answer))


def test_browser_gets_errors_as_pages(client: FlaskClient) -> None:
    answer = client.get("/nothing", headers=BROWSER)
    assert answer.status_code == 404
    assert answer.content_type == "text/html; charset=utf-8"
    assert "<h1>Not Found</h1>" in answer.text
    assert answer.headers["X-Request-ID"]
    assert "<script>" not in client.get("/?model=<script>", headers=BROWSER).text


def test_other_clients_get_errors_as_problem_documents(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert answer.content_type == "application/problem+json"
    assert "/docs" in answer.get_json()["detail"]


def test_page_before_the_first_version_is_a_page(client: FlaskClient) -> None:
    assert client.get("/", headers=BROWSER).status_code == 200
