"""The running service in a real browser: Debian's chromium, driven by Playwright.

A test that uses `page` or `new_page` fails if a page logs an error, raises one, or asks another
host for anything.
"""

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from registry import Registry
from tests.browser.page_errors import recorded_errors
from tests.patience import seconds, until
from tests.run_processes import Run
from tests.service.small_models import serve, small_model, some_calibration

TIMEOUT_MILLISECONDS = 1000 * seconds(60.0)
expect.set_options(timeout=TIMEOUT_MILLISECONDS)

NewPage = Callable[..., Page]
PublishModels = Callable[[Path], object]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow: each needs processes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


def find_chromium() -> str:
    """Return the path of chromium. Without it the test is skipped, but fails if CI is set."""
    if found := shutil.which("chromium") or shutil.which("chromium-browser"):
        return found
    reason = "chromium is not installed"
    if "CI" in os.environ:
        pytest.fail(reason)
    pytest.skip(reason)


# Of a module, not of a session: Playwright's event loop counts as running while it is open, and
# tests of other files that run one of their own would fail.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Return the service's environment variables. A test file overrides this."""
    return {}


@pytest.fixture(scope="module")
def publish_models() -> PublishModels:
    """Return a function that fills the models folder. A test file overrides this."""
    return lambda folder: serve(Registry.local(folder), small_model(), some_calibration())


@pytest.fixture(scope="module")
def run(
    browser: Browser,  # without a browser, nothing is started
    tmp_path_factory: pytest.TempPathFactory,
    settings: dict[str, str],
    publish_models: PublishModels,
) -> Iterator[Run]:
    """Return the processes of `make run`; `run.url` is the service's address."""
    folder = tmp_path_factory.mktemp("run")
    publish_models(folder / "models")
    run = Run(folder, settings)
    run.start()
    until(run.is_live)
    yield run
    run.end()


@pytest.fixture
def expected_errors() -> list[str]:
    """Return a list to which a test adds patterns of the errors that its page logs."""
    return []


@pytest.fixture
def new_page(browser: Browser, run: Run, expected_errors: list[str]) -> Iterator[NewPage]:
    """Return a function that opens a page; it takes Playwright's options of a context."""
    contexts, errors = [], []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"base_url": run.url} | options)
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        errors.append(recorded_errors(page, run.url))
        return page

    yield open_page
    for context in contexts:
        context.close()
    unexpected = [
        error
        for error in itertools.chain(*errors)
        if not any(re.search(pattern, error) for pattern in expected_errors)
    ]
    assert not unexpected


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()
