"""A service that serves a small model of a table, with its trainer."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, PublishModels
from tests.patience import seconds
from tests.run_processes import ROOT, Run

OpenRetraining = Callable[..., Page]
Upload = Callable[[Page, str], None]


def table(rows: int = 300, *, noise: float = 0.0, scale: float = 1.0) -> str:
    """Return a table of a plant: its yield depends on temperature, pressure and catalyst."""
    lines = ["temperature,pressure,catalyst,yield"]
    for row in range(rows):
        temperature, pressure = 20 + row % 37, 1 + row % 11 / 10
        kind = "abc"[row % 3]
        error = noise * ((row * 7919 % 101) / 50 - 1)
        value = scale * (math.sin(temperature / 9) + pressure**2 + "abc".index(kind)) + error
        lines.append(f"{temperature},{pressure},{kind},{value:.6f}")
    return "\n".join([*lines, ""])


def publish_plant(folder: Path) -> None:
    """Train the version that is in use on a noisy table, with few epochs."""
    data = folder.parent / "data"
    data.mkdir()
    (data / "plant.csv").write_text(table(noise=0.5))
    source = ["--data", str(data / "plant.csv"), "--target", "yield"]
    recipe = ["--solver", "adam", "--layers", "4", "--epochs", "30"]
    folders = {"NUMNET_DATA": str(data), "NUMNET_STATE": str(folder.parent / "state")}
    subprocess.run(
        [sys.executable, "trainer/train.py", "--models", str(folder), *source, *recipe],
        cwd=ROOT,
        env=os.environ | folders,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def publish_models() -> PublishModels:
    return publish_plant


def sign_in(page: Page, run: Run) -> None:
    """Sign in by the form."""
    page.goto("/sign-in?next=/retraining")
    page.get_by_label("token").first.fill(run.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/retraining")


@pytest.fixture
def open_retraining(new_page: NewPage, run: Run) -> OpenRetraining:
    """Return a function that opens the page with the form, signed in."""

    def open_page(**options: object) -> Page:
        page = new_page(**options)
        sign_in(page, run)
        return page

    return open_page


def choose(page: Page, name: str, text: str) -> None:
    """Choose a file, and wait until the page says what was understood of it."""
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]
    expect(page.locator("#understood")).to_be_visible()


def drop(page: Page, name: str, text: str) -> None:
    """Drop a file on the page."""
    transfer = page.evaluate_handle(
        """([name, text]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([text], name, {type: "text/csv"}));
          return transfer;
        }""",
        [name, text],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#understood")).to_be_visible()


def start(page: Page, **options: str) -> None:
    """Start a training, and wait for the page on which it is watched."""
    if not all(page.locator(f"#option-{name}").is_visible() for name in options):
        page.get_by_text("More options").click()
    for name, value in options.items():
        field = page.locator(f"#option-{name}")
        if field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url("**/retraining/*", timeout=1000 * seconds(60))


def wait_for_result(page: Page) -> str:
    """Wait until the training has ended, and return how."""
    expect(page.locator("#next")).to_be_visible(timeout=1000 * seconds(90))
    return page.locator("#state").inner_text()
