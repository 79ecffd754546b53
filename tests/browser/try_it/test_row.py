"""One row: sliders, fields and lists, and what the page says about the prediction."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import NewPage
from tests.browser.try_it.conftest import OpenTry, wait_for_prediction
from tests.run_processes import Run

COUNT_REQUESTS = """
const original = fetch;
window.requests = {row: 0, inFlight: 0, most: 0};
window.fetch = async (where, options) => {
  if (!String(where).includes("explain=true")) return original(where, options);
  requests.row += 1;
  requests.inFlight += 1;
  requests.most = Math.max(requests.most, requests.inFlight);
  try { return await original(where, options); } finally { requests.inFlight -= 1; }
};
"""


def predicted(run: Run, row: dict[str, Any], path: str = "/predict", **query: Any) -> Any:
    answer = run.ask("POST", path, json=row, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown_row(page: Page) -> dict[str, Any]:
    """Return the row that the page's curl command sends."""
    code = page.locator("#code code").inner_text()
    row: dict[str, Any] = json.loads(code.partition("-d '")[2].removesuffix("'"))
    return row


def shown(value: float) -> str:
    """Return a number as the page shows it, below 10,000 and without an exponent."""
    digits = float(f"{value:.5g}")
    return f"{digits:.10f}".rstrip("0").rstrip(".").replace("-", "−")


def test_row_begins_with_typical_values_inside_the_training_ranges(
    open_try: OpenTry, run: Run
) -> None:
    page = open_try()
    row = shown_row(page)
    assert all(-1 <= value <= 1 for value in row.values())
    answer = predicted(run, row, interval=0.9)
    assert page.locator("#prediction").inner_text() == shown(answer["prediction"])
    ends = f"{shown(answer['lower'])} to {shown(answer['upper'])}"
    assert page.locator("#interval").inner_text() == f"90 % interval: {ends}"
    assert page.locator("#warnings").inner_text() == ""


def test_dragging_predicts_with_one_request_at_a_time(new_page: NewPage, run: Run) -> None:
    page = new_page()
    page.add_init_script(COUNT_REQUESTS)
    page.goto("/try")
    before = wait_for_prediction(page)
    slider = page.locator(".slider").first
    box = slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 20, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=40)
    page.mouse.up()
    wait_for_prediction(page, before)
    row = shown_row(page)
    expect(page.locator("#prediction")).to_have_text(shown(predicted(run, row)["prediction"]))
    assert float(page.locator(".value").first.input_value()) == row["x1"]
    counted = page.evaluate("requests")
    assert counted["most"] == 1
    assert counted["row"] > 2


def test_only_the_newest_waiting_input_is_run(open_try: OpenTry) -> None:
    page = open_try()
    ran = page.evaluate("""async () => {
      const {src} = document.querySelector("script[type=module]");
      const {latest} = await import(src.replace("page.js", "latest.js"));
      const ran = [];
      const finish = [];
      const ask = latest(input => new Promise(resolve => {
        ran.push(input);
        finish.push(resolve);
      }));
      const all = [1, 2, 3].map(ask);
      finish[0]();
      while (finish.length < 2) await new Promise(resolve => setTimeout(resolve));
      finish[1]();
      await Promise.all(all);
      return ran;
    }""")
    assert ran == [1, 3]


def test_keyboard_alone_changes_a_value_and_the_prediction(open_try: OpenTry, run: Run) -> None:
    page = open_try()
    before = page.locator("#prediction").inner_text()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "slider":
            break
    value = shown_row(page)["x1"]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait_for_prediction(page, before)
    row = shown_row(page)
    assert row["x1"] < value
    expect(page.locator("#prediction")).to_have_text(shown(predicted(run, row)["prediction"]))


def test_value_outside_its_training_range_is_named_in_words(open_try: OpenTry) -> None:
    page = open_try()
    page.get_by_label("x2", exact=True).fill("-1.25")
    expect(page.locator("#warnings")).to_contain_text(
        "x2 is −1.25, outside its training range of −1 to 1."
    )
    page.get_by_label("x2", exact=True).fill("0.5")
    expect(page.locator("#warnings")).to_have_text("")


def test_field_without_a_number_is_marked(open_try: OpenTry) -> None:
    page = open_try()
    field = page.get_by_label("x2", exact=True)
    field.fill("")
    expect(page.locator("#problem")).to_have_text("Enter a value for x2.")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("0.5")
    expect(page.locator("#problem")).to_have_text("")
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_curves_follow_the_model_along_each_feature(open_try: OpenTry, run: Run) -> None:
    page = open_try()
    row = shown_row(page)
    for name in ("x1", "x4"):
        ends = [
            f"{shown(predicted(run, row | {name: x})['prediction'])} at {shown(x)}"
            for x in (-1.3, 1.3)
        ]
        label = f"Prediction along {name}: {', '.join(ends)}"
        expect(page.get_by_role("img", name=label, exact=True)).to_be_visible()
    assert page.locator("path.line").count() == 4
    assert all(each.get_attribute("d") for each in page.locator("path.band").all())


def test_curves_have_scales_of_their_own_if_asked(open_try: OpenTry) -> None:
    page = open_try()
    tops = page.locator(".curve-chart text:first-of-type")
    expect(tops.first).not_to_have_text("")
    assert len(set(tops.all_inner_texts())) == 1
    page.get_by_label("one scale for all curves").uncheck()
    page.wait_for_function("""() => {
      const tops = document.querySelectorAll(".curve-chart text:first-of-type");
      return new Set([...tops].map(each => each.textContent)).size === 4;
    }""")


def test_contributions_and_sensitivities_are_those_of_the_api(open_try: OpenTry, run: Run) -> None:
    page = open_try()
    answer = predicted(run, shown_row(page), explain="true")
    for name, value in answer["contributions"].items():
        line = page.locator("#why tbody tr", has=page.get_by_role("rowheader", name=name))
        slope = answer["sensitivities"][name]
        texts = [f"{'+' if each > 0 else ''}{shown(each)}" for each in (value, slope)]
        assert line.locator(".number").all_inner_texts() == texts


def test_link_reproduces_the_row_the_level_and_the_target(open_try: OpenTry) -> None:
    page = open_try("?model=house")
    page.get_by_label("size", exact=True).fill("0.25")
    page.get_by_label("colour", exact=True).select_option("sea: green")
    page.get_by_label("new", exact=True).select_option("yes")
    page.get_by_label("sold", exact=True).fill("2024-03-05")
    page.get_by_label("Interval").select_option("0.5")
    page.get_by_label("Target").select_option("rent")
    page.wait_for_function("() => location.hash.includes('rent')")
    page.wait_for_function("() => location.hash.includes('2024-03-05')")
    row, prediction = shown_row(page), page.locator("#prediction")
    expect(prediction).not_to_have_text("–")
    again = open_try(page.url.partition("/try")[2])
    assert shown_row(again) == row
    assert row == {"size": 0.25, "colour": "sea: green", "new": True, "sold": "2024-03-05"}
    expect(again.locator("#interval")).to_contain_text("50 % interval")
    assert again.locator("#predicted").inner_text() == "rent"
    expect(prediction).to_have_text(again.locator("#prediction").inner_text())


def test_lists_dates_and_missing_cells_are_sent_as_the_api_expects(
    open_try: OpenTry, run: Run
) -> None:
    page = open_try("?model=house")
    page.get_by_label("missing").check()
    page.get_by_label("colour", exact=True).select_option("another value, unseen in training")
    page.get_by_label("sold", exact=True).fill("2025-06-30")
    expect(page.locator("#warnings")).to_contain_text(
        "sold is 2025-06-30, outside its training range of 2024-01-01 to 2024-12-31."
    )
    expect(page.locator("#warnings")).to_contain_text("Training had no such value of colour")
    row = shown_row(page)
    assert row["size"] is None
    answer = predicted(run, row, "/models/house/predict")
    assert (answer["unseen"], answer["extrapolating"]) == (["colour"], ["sold"])
    assert page.locator("#prediction").inner_text() == shown(answer["prediction"]["price"])
    assert page.locator("#others").inner_text() == f"rent: {shown(answer['prediction']['rent'])}"
    expect(page.locator(".dots li.current")).to_have_count(1)  # of the feature `new`


def test_version_is_chosen_by_number(open_try: OpenTry, run: Run) -> None:
    page = open_try()
    page.get_by_label("Version").select_option("1")
    page.locator(".versions").get_by_role("button").click()
    page.wait_for_url("**/try?version=1**")
    wait_for_prediction(page)
    answer = predicted(run, shown_row(page), version="1")
    assert answer["version"] == "1"
    assert page.locator("#prediction").inner_text() == shown(answer["prediction"])
    assert "version=1" in page.locator("#code code").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", ["", "?model=house", "?model=hostile"])
def test_page_is_accessible_and_fits_a_phone(open_try: OpenTry, query: str, scheme: str) -> None:
    for width in (1280, 320):
        page = open_try(query, viewport={"width": width, "height": 800}, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
