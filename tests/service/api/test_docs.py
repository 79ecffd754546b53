"""`GET /docs`: a page with all its assets."""

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask

from service.api.docs import ASSETS
from tests.service.problem_shape import assert_problem

TYPES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "index.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}


@pytest.mark.parametrize("base", ["/docs", "/docs/", "/behind/a/proxy/docs"])
def test_every_asset_of_the_page_exists(app: Flask, base: str) -> None:
    client = app.test_client()
    page = client.get("/docs/" if base.endswith("/") else "/docs").text
    addresses = re.findall(r'(?:href|src)="(.+?)"', page)
    assert {address.removeprefix("docs/") for address in addresses} == TYPES.keys()
    for address in addresses:
        path = urljoin(base, address).removeprefix(base.removesuffix("/").removesuffix("/docs"))
        answer = client.get(path, buffered=True)
        assert (answer.status_code, answer.content_type) == (200, TYPES[Path(path).name])
    start = client.get("/docs/start.js").text
    assert (
        client.get(urljoin("/docs/start.js", re.findall(r'new URL\("(.+?)"', start)[0])).status_code
        == 200
    )


def test_page_loads_only_own_assets_and_has_no_inline_script(app: Flask) -> None:
    answer = app.test_client().get("/docs")
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert {*" ".join(policy.values()).split()} == {"'none'", "'self'", "data:"}
    assert "//" not in answer.text
    assert re.findall(r"<script(?! src)|<style| style=| on\w+=", answer.text) == []


def test_swagger_ui_supports_openapi_3_1() -> None:
    assert (ASSETS / "VERSION").read_text().startswith("v5.")


def test_unchanged_asset_is_304(app: Flask) -> None:
    client = app.test_client()
    tag = client.head("/docs/swagger-ui.css", buffered=True).headers["ETag"]
    again = client.get("/docs/swagger-ui.css", headers={"If-None-Match": tag}, buffered=True)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", "../flask_swagger_ui.py", "..%2f__init__.py", "/etc"])
def test_other_files_are_404(app: Flask, name: str) -> None:
    answer = app.test_client().get("/", environ_overrides={"PATH_INFO": f"/docs/{name}"})
    assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=404)
