"""The tests' own tools: they see what is wrong with a page."""

import hashlib
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.accessibility import AXE, violations
from tests.browser.conftest import find_chromium
from tests.browser.page_errors import recorded_errors
from tests.patience import until
from tests.run_processes import Run

MANIFEST = json.loads((AXE.parent / "manifest.json").read_text())


@pytest.mark.parametrize("name", MANIFEST["sha256"])
def test_a_file_of_axe_has_the_recorded_checksum(name: str) -> None:
    content = (AXE.parent / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == MANIFEST["sha256"][name]
    assert f"axe v{MANIFEST['version']}" in AXE.read_text()[:100]


def test_every_file_of_axe_is_recorded() -> None:
    assert {path.name for path in AXE.parent.iterdir()} == {"manifest.json", *MANIFEST["sha256"]}


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("console.error('an error')", "console: an error"),
        ("console.warn('a warning')", "console: a warning"),
        ("setTimeout(() => { throw new Error('raised') })", "error: raised"),
        ("fetch('http://127.0.0.1:9/').catch(() => {})", "request: http://127.0.0.1:9/"),
    ],
    ids=["error", "warning", "exception", "another-host"],
)
def test_an_error_of_a_page_is_recorded(
    browser: Browser, run: Run, script: str, error: str
) -> None:
    with browser.new_page(bypass_csp=True) as page:
        errors = recorded_errors(page, run.url)
        page.goto(f"{run.url}/livez")
        page.evaluate("fetch('/livez').then(response => response.text())")
        assert not any(entry.startswith(error) for entry in errors)
        page.evaluate(script)
        until(lambda: page.evaluate("1") and any(entry.startswith(error) for entry in errors))


def test_axe_finds_a_picture_without_text(page: Page) -> None:
    page.goto("/livez")
    page.evaluate("document.body.append(document.createElement('img'))")
    assert any(line.startswith("image-alt: ") for line in violations(page))


def test_missing_chromium_is_a_failure_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="chromium is not installed"):
        find_chromium()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="chromium is not installed"):
        find_chromium()
