"""The first page before the first version, while a job waits that is to train it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.patience import until
from tests.run_processes import Run


@pytest.fixture(scope="module")
def run(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return a service without a trainer, and without a version."""
    run = Run(tmp_path_factory.mktemp("run"), program=("-m", "service"))
    run.start()
    until(run.is_live)
    yield run
    run.end()


def test_page_shows_the_first_training_until_it_has_ended(page: Page, run: Run) -> None:
    page.goto("/")
    progress = page.get_by_label("Progress of the first training")
    expect(page.get_by_text("No version is trained yet")).to_be_visible()
    expect(progress).to_have_count(0)
    job = run.submit({})
    expect(progress).to_be_visible()
    run.ask("DELETE", job, headers={"Authorization": f"Bearer {run.token}"})
    expect(progress).to_have_count(0)
    assert run.job(job)["state"] == "cancelled"
