"""The call in code: each language's is run as it is, and predicts what the page shows."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from playwright.sync_api import Page

from tests.browser.try_it.conftest import OpenTry
from tests.browser.try_it.test_row import shown
from tests.patience import DEADLINE_SECONDS
from tests.run_processes import ROOT


def run_code(command: list[str], code: str) -> str:
    ran = subprocess.run(
        [*command, code],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        env={**os.environ, "PYTHONPATH": str(ROOT / "client"), "NO_PROXY": "*"},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def node() -> str:
    if found := shutil.which("node"):
        return found
    if "CI" in os.environ:
        pytest.fail("node is not installed")
    pytest.skip("node is not installed")


def shown_code(page: Page, language: str) -> str:
    page.get_by_label(language, exact=True).check()
    return page.locator("#code code").inner_text()


def prediction_of_curl(code: str) -> Any:
    return orjson.loads(run_code(["sh", "-c"], code))["prediction"]


def prediction_of_requests(code: str) -> Any:
    return ast.literal_eval(run_code([sys.executable, "-c"], code))["prediction"]


def prediction_of_client(code: str) -> Any:
    code = code.replace("print(answer)", "print(repr(answer.prediction))")
    return ast.literal_eval(run_code([sys.executable, "-c"], code))


def prediction_of_javascript(code: str) -> Any:
    code = code.replace("console.log(await response.json())", "console.log(await response.text())")
    output = run_code([node(), "--input-type=module", "-e"], code)
    return orjson.loads(output)["prediction"]


@pytest.mark.parametrize("query", ["", "?version=1", "?model=house", "?model=hostile"])
@pytest.mark.parametrize(
    ("language", "prediction_of"),
    [
        ("curl", prediction_of_curl),
        ("Python", prediction_of_client),
        ("Python with requests", prediction_of_requests),
        ("JavaScript", prediction_of_javascript),
    ],
    ids=["curl", "client", "requests", "javascript"],
)
def test_code_predicts_what_the_page_shows(
    open_try: OpenTry, language: str, prediction_of: Callable[[str], Any], query: str
) -> None:
    page = open_try(query)
    if "house" in query:
        page.get_by_label("missing").check()
        page.get_by_label("new", exact=True).select_option("yes")
        page.wait_for_function(
            "() => document.querySelector('#code code').textContent.includes('null')"
        )
    predicted = prediction_of(shown_code(page, language))
    value = predicted["price"] if isinstance(predicted, dict) else predicted
    assert page.locator("#prediction").inner_text() == shown(value)


def test_code_is_copied(open_try: OpenTry) -> None:
    page = open_try(permissions=["clipboard-read", "clipboard-write"])
    code = page.locator("#code code").inner_text()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == code


def test_hostile_names_are_shown_as_text(open_try: OpenTry) -> None:
    page = open_try("?model=hostile")
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    assert page.locator("#predicted").inner_text() == "<b>y</b>"
    assert page.locator("img[src=x]").count() == 0
    names = page.locator(".feature .head label").all_inner_texts()
    assert "<img src=x onerror=alert(1)>" in names
    assert "</div><script>alert(1)</script>" in names
