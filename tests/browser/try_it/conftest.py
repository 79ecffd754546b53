"""The page, opened and complete."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage, PublishModels
from tests.browser.try_it.models import publish_all

OpenTry = Callable[..., Page]


@pytest.fixture(scope="module")
def publish_models() -> PublishModels:
    return publish_all


@pytest.fixture
def open_try(new_page: NewPage) -> OpenTry:
    """Return a function that opens the page and waits for its first prediction."""

    def open_page(query: str = "", **options: object) -> Page:
        page = new_page(**options)
        page.goto(f"/try{query}")
        wait_for_prediction(page)
        return page

    return open_page


def wait_for_prediction(page: Page, before: str = "–") -> str:
    """Wait until another prediction is shown, and return it."""
    page.wait_for_function(
        "before => document.getElementById('prediction').textContent !== before", arg=before
    )
    return page.locator("#prediction").inner_text()
