"""Two models in the folder, and pages that are signed in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from registry import Registry
from tests.browser.conftest import NewPage, PublishModels
from tests.service.small_models import publish, serve, small_model, some_calibration
from tests.service.trained_app import publish_trained

TOKEN = "an-admin-t0ken-of-tests"
SignedIn = Callable[..., Page]


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"NUMNET_ADMIN_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def publish_models() -> PublishModels:
    """Publish trained versions of the default model, and a model with other features before."""

    def publish_all(folder: Path) -> None:
        publish_trained(Registry.local(folder), versions=2)
        other = Registry.local(folder / "pump")
        serve(other, small_model(("flow", "head")), some_calibration())
        serve(other, small_model(("flow", "head", "power")), some_calibration())
        publish(other, small_model(("flow", "head", "power"), seed=3))

    return publish_all


@pytest.fixture
def signed_in(new_page: NewPage) -> SignedIn:
    """Return a function that opens a page and signs in by its form."""

    def open_page(path: str = "/", **options: object) -> Page:
        page = new_page(**options)
        page.goto(path)
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Sign out").wait_for()
        return page

    return open_page
