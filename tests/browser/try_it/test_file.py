"""A file: what was understood, its predictions to look at and to download, and wrong cells."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.accessibility import violations
from tests.browser.try_it.conftest import OpenTry
from tests.browser.try_it.models import NUMBERS, TABLE
from tests.run_processes import Run

DROP = """([name, text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, {type: "text/csv"}));
  const zone = document.getElementById("drop");
  for (const type of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(
      new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
  }
}"""
MIXED = (
    "id,x4,note,x2,x1,x3\n"
    '7,0.1,"a, ""b""\nc",0.2,0.3,0.4\n'
    "8,0.5,<b>bold</b>,-0.5,5,0.25\n"
    "9,-1,,0,1,0.125\n"
)


def drop(page: Page, text: str, name: str = "rows.csv") -> list[str]:
    """Drop a file, and return what was understood."""
    page.evaluate(DROP, [name, text])
    expect(page.locator("#understood")).to_be_visible()
    return page.locator("#facts li").all_inner_texts()


def predict(page: Page) -> None:
    page.locator("#predict-file").click()
    expect(page.locator("#file-result")).to_be_visible()


def download(page: Page) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as CSV").click()
    assert waiting.value.suggested_filename == "rows-predicted.csv"
    return Path(waiting.value.path()).read_bytes().decode()


def test_dropped_file_is_understood_predicted_and_downloaded(open_try: OpenTry) -> None:
    page = open_try()
    facts = drop(page, MIXED)
    assert facts == [
        "rows.csv: 3 rows, separated by commas, utf-8.",
        "Used: x1, x2, x3, x4.",
        "Kept but not used: id, note.",
    ]
    cells = page.locator("#preview tbody tr").nth(1).locator("td").all_inner_texts()
    assert cells == ["8", "0.5", "<b>bold</b>", "-0.5", "5", "0.25"]
    predict(page)
    expect(page.locator("#file-summary")).to_contain_text("3 rows predicted. 1 row outside")
    header, *rows = csv.reader(io.StringIO(download(page)))
    added = ["y_predicted", "y_lower", "y_upper", "extrapolating", "unseen", "unfamiliar"]
    given_header, *given = csv.reader(io.StringIO(MIXED))
    assert header == given_header + added
    assert [row[:6] for row in rows] == given
    order = [given_header.index(f"x{number}") for number in (1, 2, 3, 4)]
    X = np.array([[float(row[index]) for index in order] for row in given])
    assert [float(row[6]) for row in rows] == NUMBERS.predict(X)[:, 0].tolist()
    assert [row[9] for row in rows] == ["", "x1", ""]
    assert page.locator("#file-table tbody tr").count() == 3


def test_file_of_many_blocks_is_predicted_by_one_version(open_try: OpenTry, run: Run) -> None:
    X = np.random.default_rng(3).uniform(-1, 1, (45_000, 4))
    lines = "".join(f"{a!r};{b!r};{c!r};{d!r}\n" for a, b, c, d in X.tolist())
    page = open_try()
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.headers.get("content-type", "").startswith("text/csv"):
            asked.append(request.url)

    page.on("request", note)
    facts = drop(page, "Measured in May\nx1;x2;x3;x4\n" + lines)
    assert facts[0] == "rows.csv: 45,000 rows, separated by semicolons, utf-8."
    predict(page)
    assert len(asked) >= 3
    assert set(asked) == {f"{run.url}/predict?interval=0.9&version=2"}
    expect(page.locator("#file-summary")).to_contain_text("45,000 rows predicted.")
    assert page.locator("#file-table tbody tr").count() == 100
    header, *rows = csv.reader(io.StringIO(download(page)), delimiter=";")
    assert header[:5] == ["x1", "x2", "x3", "x4", "y_predicted"]
    assert [float(row[4]) for row in rows] == NUMBERS.predict(X)[:, 0].tolist()


def test_wrong_cells_are_named_by_their_rows(open_try: OpenTry, expected_errors: list[str]) -> None:
    expected_errors.append("status of 422")
    page = open_try()
    good = "0,0,0,0\n" * 20_001
    drop(page, f"x1,x2,x3,x4\n{good}0,nothing,0,0\n0,0,0,\n")
    page.locator("#predict-file").click()
    status = page.locator("#file-status")
    expect(status).to_contain_text("Nothing was predicted")
    first, second = status.locator("li").all_inner_texts()
    assert first.startswith("Row 20,002, x2: must be a finite number")
    assert second.startswith("Row 20,003, x4: must be a finite number")
    expect(page.locator("#file-result")).to_be_hidden()


def test_file_without_a_feature_cannot_be_predicted(open_try: OpenTry) -> None:
    page = open_try()
    facts = drop(page, "x1,x2\n1,2\n")
    assert "Not in the file: x3, x4." in facts
    assert "The model needs x3, x4; add what is missing." in facts
    expect(page.locator("#predict-file")).to_be_disabled()
    facts = drop(page, "x1,x2,x3,x4\n")
    assert facts[-1] == "There is no row below the header."
    expect(page.locator("#predict-file")).to_be_disabled()


def test_file_dropped_elsewhere_does_not_replace_the_page(open_try: OpenTry) -> None:
    page = open_try()
    is_default_prevented = page.evaluate("""() => ["dragover", "drop"].map(type =>
      !document.body.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true})))""")
    assert is_default_prevented == [True, True]


def test_similar_name_of_a_missing_column_is_shown(open_try: OpenTry) -> None:
    page = open_try("?model=house")
    drop(page, "Sizes,colour,new,sold\n0.5,blue,yes,05/03/2024\n")
    expect(page.locator("#missing-columns")).to_have_text(
        "The column “size” is not in the file and counts as missing in all rows."
        " Did you mean “Sizes”, which is not used?"
    )
    drop(page, "size,colour,new,sold\n0.5,blue,yes,05/03/2024\n", "whole.csv")
    expect(page.locator("#missing-columns .message")).to_have_count(0)


def test_categories_dates_and_gaps_of_a_file(open_try: OpenTry, run: Run) -> None:
    page = open_try("?model=house")
    text = "sold\tcolour\tnew\n05/03/2024\tblue\tyes\n31/12/2024\tgreen\tno\n"
    facts = drop(page, text)
    assert not any("size" in each for each in facts)
    expect(page.locator("#missing-columns .message.warning")).to_have_text(
        "The column “size” is not in the file and counts as missing in all rows."
    )
    predict(page)
    expect(page.locator("#file-summary")).to_contain_text("1 row outside")
    header, *rows = csv.reader(io.StringIO(download(page)), delimiter="\t")
    row: dict[str, Any] = dict(zip(header, rows[0], strict=True))
    body = {"size": None, "colour": "blue", "new": True, "sold": "2024-03-05"}
    answer = run.ask("POST", "/models/house/predict", json=body).json()
    predicted = {name: float(row[f"{name}_predicted"]) for name in TABLE.targets}
    assert predicted == answer["prediction"]
    assert [each[header.index("unseen")] for each in rows] == ["", "colour"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
def test_encoding_of_a_file_is_found(open_try: OpenTry, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes("größe,x1,x2,x3,x4\r\nüber,0,0,0,0\r\n".encode(encoding))
    page = open_try()
    page.get_by_label("Drop a CSV file here, or choose one").set_input_files(path)
    expect(page.locator("#understood")).to_be_visible()
    assert "Kept but not used: größe." in page.locator("#facts li").all_inner_texts()
    predict(page)
    text = download(page)
    assert "über" in text
    assert text.startswith("\ufeff") == (encoding != "windows-1252")


def test_file_that_is_no_text_is_refused_beside_its_field(open_try: OpenTry) -> None:
    page = open_try()
    page.evaluate(DROP, ["plot.png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
    status = page.locator("#file-status")
    expect(status).to_contain_text("plot.png is no text")
    expect(page.locator("#messages")).to_be_empty()
    drop(page, MIXED)
    expect(status).to_be_empty()


def test_failure_is_shown_beside_the_button_until_the_next_success(
    open_try: OpenTry, expected_errors: list[str]
) -> None:
    expected_errors.append("ERR_FAILED")
    page = open_try()
    drop(page, MIXED)
    page.route("**/predict?*", lambda route: route.abort())
    page.locator("#predict-file").click()
    expect(page.locator("#file-status")).to_contain_text("The service cannot be reached.")
    expect(page.locator("#messages")).to_be_empty()
    page.unroute("**/predict?*")
    predict(page)
    expect(page.locator("#file-status")).to_be_empty()


def test_page_with_predictions_of_a_file_is_accessible(open_try: OpenTry) -> None:
    for width in (1280, 320):
        page = open_try(viewport={"width": width, "height": 800})
        drop(page, MIXED)
        predict(page)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
