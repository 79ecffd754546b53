"""All pages: what axe finds, narrow and dark screens, the keyboard, and the switch of models."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import NewPage

PATHS = (
    "/",
    "/?model=pump",
    "/versions",
    "/versions/2",
    "/versions/compare",
    "/versions?model=pump",
    "/sign-in",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    for path in PATHS:
        page.goto(path)
        assert violations(page) == [], path


def test_page_of_an_error_is_accessible(new_page: NewPage, expected_errors: list[str]) -> None:
    expected_errors.append("status of 404")
    page = new_page()
    page.goto("/nothing-here")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not Found")
    assert violations(page) == []


def test_pages_fit_into_320_pixels(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 320, "height": 640})
    for path in PATHS:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path
        heading = page.get_by_role("heading", level=1)
        assert heading.count() == 1, path
        expect(heading).to_be_in_viewport()


def test_dark_pages_have_a_dark_background(new_page: NewPage) -> None:
    page = new_page(color_scheme="dark")
    page.goto("/versions/2")
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert max(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) < 64


def test_keyboard_reaches_the_content_and_every_page(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.goto("/")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Versions":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/versions")
    current = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Versions")
    expect(current).to_have_attribute("aria-current", "page")


def test_switch_shows_another_model_and_links_keep_it(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Model").select_option("pump")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?model=pump")
    expect(page.get_by_role("heading", level=1)).to_have_text("pump")
    page.get_by_role("link", name="Versions").click()
    page.wait_for_url("**/versions?model=pump")


def test_first_page_counts_requests_while_it_is_open(page: Page) -> None:
    page.goto("/")
    rate = page.locator("[data-live=failed]")
    expect(rate).to_have_text("0 of 0")
    answer = page.request.post("/predict", data={"x1": 0.1, "x2": 0.1, "x3": 0.1, "x4": 0.1})
    assert answer.ok
    expect(rate).to_have_text("0 of 1")
    expect(page.locator("[data-live=p99]")).to_contain_text("ms")
    expect(page.locator("#traffic-note")).to_contain_text("rows, 0 requests failed")


def test_first_page_asks_for_nothing_while_it_is_hidden(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    page.goto("/")
    with page.expect_response("**/now/traffic.json*"):
        page.clock.fast_forward(2500)
    set_hidden(page, is_hidden=True)
    page.evaluate("fetch('livez')")  # requests that were under way have been seen
    before = len(asked)
    page.clock.fast_forward(60_000)
    page.evaluate("fetch('livez')")
    assert asked[before:] == [asked[before - 1]]
    with page.expect_request("**/now/traffic.json*"):
        set_hidden(page, is_hidden=False)


def set_hidden(page: Page, *, is_hidden: bool) -> None:
    page.evaluate(
        """value => {
          Object.defineProperty(document, 'hidden', {value, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        is_hidden,
    )
