"""Signing in, promoting and rolling back by mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import NewPage
from tests.browser.dashboard.conftest import TOKEN, SignedIn


def state_of(page: Page, version: str) -> str:
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=version))
    return row.locator(".state").inner_text()


def test_wrong_token_is_refused_in_words(new_page: NewPage, expected_errors: list[str]) -> None:
    expected_errors.append("status of 403")
    page = new_page()
    page.goto("/sign-in?next=/versions")
    page.get_by_label("Token").fill("a-wrong-t0ken-of-tests")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").filter(has_text="token")).to_have_text(
        "This is not the token."
    )
    assert violations(page) == []
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/versions")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_signing_in_keeps_the_row_in_the_address(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/try#x.x1=0.25&level=0.9")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    assert "/try#" in page.url
    expect(page.get_by_label("x1", exact=True)).to_have_value("0.25")


def test_scripts_cannot_read_the_token(signed_in: SignedIn) -> None:
    page = signed_in()
    assert page.evaluate("document.cookie") == ""
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()
    assert page.context.cookies() == []


def test_promoting_without_a_token_leads_to_signing_in(
    new_page: NewPage, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 401")
    page = new_page()
    page.goto("/versions")
    page.get_by_role("button", name="Promote version 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Promote version 1").click()
    alert = page.locator("#messages")
    expect(alert).to_contain_text("admin token is missing")
    alert.get_by_role("link", name="Sign in").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/versions")


def test_version_is_promoted_and_rolled_back_by_mouse(signed_in: SignedIn) -> None:
    page = signed_in("/versions")
    assert (state_of(page, "1"), state_of(page, "2")) == ("was in use", "in use")
    page.get_by_role("button", name="Promote version 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("from their next request on")
    assert violations(page) == []
    with page.expect_navigation():
        dialog.get_by_role("button", name="Promote version 1").click()
    assert (state_of(page, "1"), state_of(page, "2")) == ("in use", "was in use")
    page.get_by_role("button", name="Roll back to version 2").click()
    with page.expect_navigation():
        page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    assert (state_of(page, "1"), state_of(page, "2")) == ("was in use", "in use")
    expect(page.locator(".log li").first).to_contain_text("rolled back to version 2")


def test_export_that_a_version_cannot_have_is_explained(
    new_page: NewPage, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 409")
    page = new_page()
    page.goto("/versions/1")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="js", exact=True).click()
    assert waiting.value.suggested_filename == "numnet-1.js"
    reason = '{"type": "/problems/not-exportable", "detail": "the version has too many numbers"}'
    page.route("**/model.sql", lambda route: route.fulfill(status=409, body=reason))
    page.get_by_role("link", name="sql", exact=True).click()
    item = page.get_by_role("listitem").filter(has_text="one SELECT")
    expect(item).to_contain_text("The version has too many numbers.")
    assert violations(page) == []


def test_question_is_cancelled_by_keyboard(signed_in: SignedIn) -> None:
    page = signed_in("/versions")
    page.get_by_role("button", name="Promote version 1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Promote version 1")).to_be_focused()
    assert state_of(page, "2") == "in use"


def test_rollback_to_other_features_is_explained_before_it_is_forced(
    signed_in: SignedIn, expected_errors: list[str]
) -> None:
    expected_errors.append("status of 409")
    page = signed_in("/versions?model=pump")
    page.get_by_role("button", name="Roll back to version 1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Roll back", exact=True).click()
    expect(dialog).to_contain_text("Clients may break")
    with page.expect_navigation():
        dialog.get_by_role("button", name="Roll back all the same").click()
    assert state_of(page, "1") == "in use"


def test_open_page_shows_a_version_that_is_promoted_elsewhere(signed_in: SignedIn) -> None:
    page = signed_in("/")
    expect(page.locator("#version")).to_have_attribute("data-version", "2")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert page.request.post("/models/1/promote", headers=headers).ok
    expect(page.get_by_role("alert")).to_contain_text("Version 1 is in use now")
    expect(page.get_by_role("link", name="1", exact=True)).to_be_visible()
    assert page.request.post("/models/rollback", headers=headers).ok
    expect(page.get_by_role("alert")).to_contain_text("Version 2 is in use now")


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}], ids=["none", "foreign"])
def test_cookie_alone_promotes_nothing(signed_in: SignedIn, headers: dict[str, str]) -> None:
    page = signed_in("/")
    assert page.request.post("/models/1/promote", headers=headers).status == 403


def test_open_page_shows_a_promoted_version_although_a_request_failed(
    signed_in: SignedIn, expected_errors: list[str]
) -> None:
    expected_errors.append("ERR_FAILED")
    page = signed_in("/")
    expect(page.locator("#version")).to_have_attribute("data-version", "2")
    page.route(re.compile("/$"), lambda route: route.abort(), times=1)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert page.request.post("/models/1/promote", headers=headers).ok
    expect(page.get_by_role("alert")).to_contain_text("Version 1 is in use now")
    assert page.request.post("/models/rollback", headers=headers).ok
