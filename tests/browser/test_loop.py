"""The whole loop by mouse alone: try, train on an own table, judge, watch, compare, promote, roll
back, take away.
"""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, PublishModels
from tests.browser.retraining.conftest import (
    choose,
    publish_plant,
    sign_in,
    start,
    table,
    wait_for_result,
)
from tests.run_processes import Run


@pytest.fixture(scope="module")
def publish_models() -> PublishModels:
    return publish_plant


def version_in_use(page: Page) -> str:
    """Return the version that the first page shows."""
    page.get_by_role("link", name="Now", exact=True).click()
    return page.locator("#version").get_attribute("data-version") or ""


def test_whole_loop_by_mouse(new_page: NewPage, run: Run) -> None:
    page = new_page(accept_downloads=True)
    sign_in(page, run)
    assert version_in_use(page) == "1"
    try_it(page)
    train_and_judge(page)
    compare_and_promote(page)
    assert version_in_use(page) == "2"
    take_away(page)
    roll_back(page)
    assert version_in_use(page) == "1"


def try_it(page: Page) -> None:
    """Move a slider, and see another prediction."""
    page.get_by_role("link", name="Try it").click()
    prediction = page.locator("#prediction")
    expect(prediction).not_to_have_text("–")
    before = prediction.inner_text()
    slider = page.locator(".slider").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    expect(prediction).not_to_have_text(before)


def train_and_judge(page: Page) -> None:
    """Train on a table of one's own, watch it, and read how good the new version is."""
    page.get_by_role("link", name="Retraining").click()
    choose(page, "better.csv", table(400))
    expect(page.locator("#facts")).to_contain_text("400 rows")
    page.get_by_label("Use the new version if").uncheck()
    start(page, solver="l-bfgs", epochs="60")
    assert wait_for_result(page) == "Kept back: the version in use stays"
    page.get_by_role("link", name="See how good version 2 is").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Version 2")
    page.go_back()


def compare_and_promote(page: Page) -> None:
    page.get_by_role("link", name="Compare it with version 1").click()
    page.wait_for_url("**/versions/compare?*")
    expect(page.locator("main")).to_contain_text("RMSE")
    page.go_back()
    page.get_by_role("button", name="Use version 2 all the same").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote version 2").click()
    expect(page.locator("#messages")).to_contain_text("Version 2 is in use now")


def take_away(page: Page) -> None:
    page.get_by_role("link", name="Versions", exact=True).click()
    page.get_by_role("link", name="2", exact=True).first.click()
    with page.expect_download() as download:
        page.locator("a[download][href$='model.json']").click()
    document = json.loads(Path(download.value.path()).read_text())
    assert "yield" in json.dumps(document)


def roll_back(page: Page) -> None:
    page.get_by_role("link", name="Versions", exact=True).click()
    page.get_by_role("button", name="Roll back").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    page.wait_for_load_state()
