"""The report on a version, in a browser."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from export.report.page import render
from network import numbers
from registry import Registry
from tests.browser.accessibility import violations
from tests.browser.conftest import NewPage, PublishModels
from tests.export.report.versions import trained
from tests.service.small_models import promote
from trainer.data.table import Table
from trainer.training.recipe import Recipe
from trainer.training.training import train


def noisy_table() -> Table:
    rng = np.random.default_rng(5)
    X = rng.uniform(-1, 1, (200, 2))
    Y = np.hstack([X[:, :1], X @ [[1.0], [2.0]]]) + 0.1 * rng.normal(size=(200, 2))
    return Table(numbers(("flow", "head")), ("power", "noise"), X, Y, "pump.csv")


@pytest.fixture(scope="module")
def publish_models() -> PublishModels:
    def publish(folder: Path) -> None:
        done = train(noisy_table(), Recipe(layers=(4,), solver="l-bfgs", epochs=20, starts=1))
        registry = Registry.local(folder)
        version = registry.publish(
            done.model, done.card, done.golden_inputs, done.calibration, held_out=done.held_out
        )
        promote(registry, version.number)

    return publish


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_accessible_and_logs_no_error(new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    page.goto("/models/1/report")
    assert page.locator("svg[role=img]").count() == 2 * 7 + 1
    assert violations(page) == []


def test_the_report_fits_a_narrow_screen(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 320, "height": 640})
    page.goto("/models/1/report")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_its_style_is_allowed_by_its_policy(page: Page) -> None:
    page.goto("/models/1/report")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.tiles, table')).marginTop")
        != "0px"
    )
    line = "getComputedStyle(document.querySelector('.figure-line')).fill"
    assert page.evaluate(line) == "none"


def test_a_saved_report_opens_without_the_service(
    new_page: NewPage, tmp_path: Path, expected_errors: list[str]
) -> None:
    path = tmp_path / "report.html"
    expected_errors.append(f"request: {path.as_uri()}$")
    path.write_text(render(trained(noisy_table()), "pump"), "utf-8")
    page = new_page()
    page.goto(path.as_uri())
    assert page.title() == "pump, version 3: report"
    assert page.evaluate("getComputedStyle(document.querySelector('.figure-line')).fill") == "none"
    assert violations(page) == []
