"""The page where reading needs a token."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.conftest import NewPage
from tests.browser.try_it.conftest import wait_for_prediction
from tests.run_processes import Run

READ_TOKEN = "a-read-t0ken-of-tests"


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    return {"NUMNET_READ_TOKEN": READ_TOKEN}


def test_page_asks_for_the_token_and_then_predicts(new_page: NewPage, run: Run) -> None:
    page = new_page()
    page.goto("/try?model=house")
    page.get_by_label("Token").fill(READ_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/try?model=house")
    wait_for_prediction(page)
    code = page.locator("#code code").inner_text()
    assert '-H "Authorization: Bearer $NUMNET_TOKEN"' in code
    assert READ_TOKEN not in page.content()
    assert violations(page) == []


def test_prediction_says_when_the_token_is_lost(
    new_page: NewPage, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 401")
    page = new_page()
    page.goto("/try")
    page.get_by_label("Token").fill(READ_TOKEN)
    page.get_by_role("button", name="Sign in").click()
    wait_for_prediction(page)
    page.context.clear_cookies()
    page.get_by_label("x1", exact=True).fill("0.5")
    expect(page.locator("#problem")).to_contain_text("read token is missing")
    expect(page.locator("#prediction")).to_have_text("–")
