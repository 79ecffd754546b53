"""A training from its form to its result, as a user sees it."""

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import NewPage
from tests.browser.retraining.conftest import (
    OpenRetraining,
    choose,
    drop,
    start,
    table,
    wait_for_result,
)
from tests.patience import seconds, until
from tests.run_processes import Run

QUICK = {"solver": "l-bfgs", "max_seconds": "20", "epochs": "60"}
LONG = {"solver": "adam", "max_seconds": "300", "epochs": "1000000", "patience": "1000000"}


def current(run: Run) -> str:
    return str(requests.get(f"{run.url}/readyz", timeout=30).json()["version"])


def test_dropped_table_is_trained_on_and_its_version_promoted(
    open_retraining: OpenRetraining, run: Run
) -> None:
    page = open_retraining()
    before = current(run)
    drop(page, "Größe 1.csv", table(400))
    expect(page.locator("#facts")).to_contain_text("400 rows, UTF-8 text separated by commas")
    expect(page.get_by_label("Use yield to")).to_have_value("target")
    expect(page.get_by_label("Use catalyst to")).to_have_value("feature")
    expect(page.locator("#other-columns")).to_be_hidden()
    expect(page.locator("#table-name")).to_have_value("Gro-e-1.csv")
    start(page, **QUICK)
    assert wait_for_result(page) == "Promoted: the new version is in use"
    expect(page.locator("#verdict")).to_contain_text(f"below version {before}")
    expect(page.locator("#losses canvas")).to_be_visible()
    assert current(run) != before
    page.get_by_role("button", name=f"Roll back to version {before}").click()
    assert current(run) != before  # the page asks first
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.locator("#messages")).to_contain_text(f"Version {before} is in use now")
    assert current(run) == before
    expect(page.locator("#state")).to_have_text(
        f"Promoted, but no longer in use: version {before} is"
    )
    page.get_by_role("link", name="Train again").click()
    history = page.locator("#history tbody tr").first
    expect(history).to_contain_text("Gro-e-1.csv → yield")
    expect(history).to_contain_text("Promoted")


def test_training_is_watched_over_a_reload_and_cancelled(
    open_retraining: OpenRetraining, expected_errors: list[str]
) -> None:
    expected_errors.append("409")
    page = open_retraining()
    start(page, **LONG)
    expect(page.locator("#epoch")).to_contain_text(re.compile(r"^[1-9]"))
    expect(page.locator("#state")).to_contain_text(re.compile("Training.* left"))
    page.reload()
    expect(page.locator("#epoch")).to_contain_text(re.compile(r"^[1-9]"))
    watched = page.url
    page.get_by_role("link", name="Retraining").click()
    expect(page.locator("#active")).to_contain_text("on its way")
    page.get_by_role("button", name="Start the training").click()
    expect(page.locator("#messages")).to_contain_text("only one job of a model")
    page.locator("#messages").get_by_role("link", name="Watch it").click()
    page.wait_for_url(watched)
    page.get_by_role("button", name="Cancel the training").click()
    assert wait_for_result(page) == "Cancelled"


LOSSES = """async points => {
  const form = document.querySelector("script[src*='retraining/form.js']").src;
  const { Losses } = await import(new URL("losses.js", form));
  const element = document.createElement("div");
  document.querySelector("main").append(element);
  const losses = new Losses(element);
  const found = [];
  for (const [epoch, seconds] of points) {
    losses.add({ epoch, seconds, train_loss: 1 / epoch, validation_loss: 2 / epoch });
    found.push(Number(element.dataset.curves));
  }
  return [found, losses.plot.data.map(each => [...each])];
}"""


def test_losses_of_another_model_are_a_line_of_its_own(open_retraining: OpenRetraining) -> None:
    page = open_retraining()
    counts, data = page.evaluate(LOSSES, [[1, 0.1], [2, 0.2], [4, 0.4], [1, 0.5], [2, 0.6]])
    assert counts == [1, 1, 1, 2, 2]
    assert data == [[1, 2, 4], [1, 0.5, 0.25], [2, 1, 0.5], [1, 0.5, None], [2, 1, None]]


def test_epochs_that_are_computed_again_replace_their_losses(
    open_retraining: OpenRetraining,
) -> None:
    page = open_retraining()
    counts, data = page.evaluate(LOSSES, [[1, 0.1], [2, 0.2], [3, 0.3], [2, 0.2], [3, 0.25]])
    assert counts == [1, 1, 1, 1, 1]
    assert data[0] == [1, 2, 3]


def test_training_is_watched_over_a_restart_of_the_service(
    open_retraining: OpenRetraining, run: Run, expected_errors: list[str]
) -> None:
    expected_errors.append("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|status of 503")
    page = open_retraining()
    start(page, **LONG)
    epoch = page.locator("#epoch")
    expect(epoch).to_contain_text(re.compile(r"^[1-9]"))
    run.process.terminate()
    run.process.wait(seconds(60))
    before = epoch.inner_text()
    run.start()
    run.wait_until_ready()
    expect(epoch).not_to_have_text(before)
    page.get_by_role("button", name="Cancel the training").click()
    assert wait_for_result(page) == "Cancelled"


def test_dropped_file_can_be_chosen_again(open_retraining: OpenRetraining) -> None:
    page = open_retraining()
    drop(page, "dropped.csv", table())
    expect(page.locator("#status")).to_have_text("dropped.csv was read.")
    page.locator("#source").select_option("stored:plant.csv")
    expect(page.locator("#status")).to_have_text("plant.csv was read.")
    page.locator("#source").select_option("file")
    expect(page.locator("#status")).to_have_text("dropped.csv was read.")


def test_file_that_is_dropped_outside_of_the_zone_does_not_replace_the_page(
    open_retraining: OpenRetraining,
) -> None:
    page = open_retraining()
    for event in ("dragover", "drop"):
        is_accepted = page.evaluate(
            "name => document.body.dispatchEvent("
            "new DragEvent(name, {bubbles: true, cancelable: true}))",
            event,
        )
        assert not is_accepted


def test_new_model_is_trained_on_chosen_columns(open_retraining: OpenRetraining, run: Run) -> None:
    page = open_retraining()
    choose(page, "pump.csv", table(200))
    page.get_by_label("Use pressure to").select_option("target")
    expect(page.locator("#facts")).to_contain_text("Predicted: pressure, yield.")
    page.get_by_label("Use yield to").select_option("left out")
    expect(page.locator("#facts")).to_contain_text("Predicted: pressure.")
    expect(page.locator("#other-columns")).to_be_visible()
    page.get_by_label("a new model").check()
    expect(page.locator("#other-columns")).to_be_hidden()
    page.get_by_label("Name of the new model").fill("pump")
    start(page, **QUICK)
    assert wait_for_result(page).startswith("Promoted")
    expect(page.get_by_role("heading", level=1)).to_have_text("Training of pump")
    models = requests.get(f"{run.url}/models/pump", timeout=30).json()
    assert models["versions"][0]["version"] == "1"


def test_new_model_needs_a_name_of_its_own(open_retraining: OpenRetraining) -> None:
    page = open_retraining()
    choose(page, "own.csv", table(200))
    page.get_by_label("a new model").check()
    field = page.get_by_label("Name of the new model")
    field.fill("numnet")
    page.get_by_role("button", name="Start the training").click()
    expect(page.locator("#new-name")).to_contain_text("There is a model numnet already")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert violations(page) == []
    field.fill("pump-2")
    expect(page.locator("#new-name")).not_to_contain_text("There is a model")
    assert page.url.endswith("/retraining")


def test_field_with_a_wrong_value_is_marked(
    open_retraining: OpenRetraining, expected_errors: list[str]
) -> None:
    expected_errors.append("422")
    page = open_retraining()
    page.get_by_label("Layers").fill("0, 5")
    page.get_by_role("button", name="Start the training").click()
    expect(page.locator("#messages")).to_have_text("Correct what is marked: Layers.")
    expect(page.locator("#wrong-option-layers")).to_contain_text("Must be")
    expect(page.get_by_label("Layers")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("report.csv", "%PDF-1.4\n\x00\x01", "PDF"),
        ("few.csv", "a,b\n1,2\n", "at least 10"),
        ("text.csv", "a,b\n" + "x,y\nz,w\n" * 20, "column of numbers"),
    ],
    ids=["pdf", "few", "text"],
)
def test_file_that_cannot_be_trained_on_is_refused(
    open_retraining: OpenRetraining,
    expected_errors: list[str],
    name: str,
    content: str,
    reason: str,
) -> None:
    expected_errors.append("422")
    page = open_retraining()
    choose(page, name, content)
    expect(page.locator("#wrong")).to_contain_text(reason)
    page.get_by_role("button", name="Start the training").click()
    expect(page.locator("#messages")).to_contain_text("cannot be used")
    assert page.url.endswith("/retraining")


def test_missing_sign_in_is_asked_for_and_the_page_goes_on(
    new_page: NewPage, run: Run, expected_errors: list[str]
) -> None:
    expected_errors += ["401", "403"]
    page = new_page()
    page.goto("/retraining")
    choose_without_waiting(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Admin token").fill("a-wrong-t0ken-of-tests")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("This is not the token")
    dialog.get_by_label("Admin token").fill(run.token)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#facts")).to_contain_text("300 rows")


def test_dialog_says_why_a_token_was_not_looked_at(
    new_page: NewPage, run: Run, expected_errors: list[str]
) -> None:
    expected_errors += ["401", "403", "429", "ERR_FAILED"]
    page = new_page()
    page.goto("/retraining")
    choose_without_waiting(page)
    dialog = page.get_by_role("dialog")
    page.route("**/sign-in", lambda route: route.abort(), times=1)
    dialog.get_by_label("Admin token").fill("a-wrong-t0ken-of-tests")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("cannot be reached")
    problem = dialog.get_by_role("alert")
    for _ in range(20):
        with page.expect_response("**/sign-in"):
            dialog.get_by_role("button", name="Sign in").click()
        expect(problem).to_contain_text(re.compile("This is not the token|Too many"))
        if "Too many" in problem.inner_text():
            break
    expect(problem).to_contain_text(re.compile("try again in [0-9]+ seconds"))
    headers = {"Authorization": f"Bearer {run.token}"}
    until(lambda: run.ask("GET", "/data", headers=headers).ok)  # so that other tests need not wait


def choose_without_waiting(page: Page) -> None:
    file = {"name": "a.csv", "mimeType": "text/csv", "buffer": table().encode()}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(
    open_retraining: OpenRetraining, run: Run, scheme: str
) -> None:
    job = run.submit({"solver": "l-bfgs", "epochs": 5, "force": True})
    page = open_retraining(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    choose(page, "a.csv", table())
    for summary in page.locator("details > summary").all():
        summary.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.goto(job.replace("/retrain/", "/retraining/"))
    wait_for_result(page)
    expect(page.locator("#losses canvas")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
