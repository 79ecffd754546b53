"""What a file holds, as its user is told before a training."""

from pathlib import Path
from typing import Any

import pytest

from trainer.data.reading.description import FIRST_ROWS, SHOWN_VALUES, describe_file
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.table_file import table_from_file
from trainer.errors import DataError

CITIES = ("Bonn", "Köln", "Bonn", "")
ROWS = [
    f"{row},{CITIES[row % 4]},2024-01-{row + 1:02},{row % 3 + 0.5},5,{row * 1.5}"
    for row in range(16)
]
TABLE = "\n".join(["id,city,day,size,same,price", *ROWS, ""])


def describe(folder: Path, text: str, *targets: str, **arguments: Any) -> dict[str, Any]:
    path = folder / "t"
    path.write_text(text)
    return describe_file(path, "t.csv", targets, **arguments)


def columns(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in report["columns"]}


def test_every_column_is_described_in_the_order_of_the_file(tmp_path: Path) -> None:
    report = describe(tmp_path, TABLE)
    assert [each["name"] for each in report["columns"]] == report["names"]
    assert report["format"] == "UTF-8 text separated by commas"
    assert (report["rows"], report["targets"], report["targets_proposed"]) == (16, ["price"], True)
    found = columns(report)
    assert found["id"] == {"name": "id", "role": "left out", "why": "it numbers the rows"}
    assert found["same"]["why"] == "it is '5' in every row"
    assert found["city"]["values"] == ["Bonn", "Köln"]
    assert (found["city"]["kind"], found["city"]["missing"]) == ("category", 4)
    assert found["city"]["different"] == 2
    assert (found["day"]["minimum"], found["day"]["maximum"]) == ("2024-01-01", "2024-01-16")
    assert (found["size"]["minimum"], found["size"]["maximum"]) == (0.5, 2.5)
    assert (found["price"]["role"], found["price"]["maximum"]) == ("target", 22.5)


def test_description_is_that_of_a_training(tmp_path: Path) -> None:
    report = describe(tmp_path, TABLE, "price", options=ReadingOptions(categories=("size",)))
    table = table_from_file(
        tmp_path / "t", ("price",), options=ReadingOptions(categories=("size",)), source="t.csv"
    )
    features = [each for each in report["columns"] if each["role"] == "feature"]
    assert [(each["name"], each["kind"]) for each in features] == [
        (each.name, each.kind) for each in table.columns
    ]
    assert report["notes"] == table.summary["notes"]
    assert report["rows"] == len(table.X)
    assert not report["targets_proposed"]


def test_first_rows_are_shown_as_they_are(tmp_path: Path) -> None:
    rows = describe(tmp_path, TABLE)["first_rows"]
    assert len(rows) == FIRST_ROWS
    assert rows[3] == ["3", "", "2024-01-04", "0.5", "5", "4.5"]
    rows = describe(tmp_path, TABLE.replace("Köln", "x" * 999))["first_rows"]
    assert len(rows[1][1]) == 100


def test_few_values_of_a_category_are_shown(tmp_path: Path) -> None:
    rows = [f"name {row % 30},{row}" for row in range(300)]
    found = columns(describe(tmp_path, "\n".join(["who,y", *rows, ""])))
    assert (len(found["who"]["values"]), found["who"]["different"]) == (SHOWN_VALUES, 30)


def test_weights_have_a_role_of_their_own(tmp_path: Path) -> None:
    found = columns(describe(tmp_path, TABLE, "price", weights="size"))
    assert (found["size"]["role"], found["size"]["minimum"]) == ("weights", 0.5)


def test_last_column_of_numbers_is_proposed(tmp_path: Path) -> None:
    rows = [f"{row * 0.5},{row % 3 + 0.5},{'ab'[row % 2]}" for row in range(12)]
    assert describe(tmp_path, "\n".join(["a,b,c", *rows, ""]))["targets"] == ["b"]
    with pytest.raises(DataError, match="no column of numbers"):
        describe(tmp_path, "a,b\n" + "x,y\nz,y\n" * 10)
    with pytest.raises(DataError, match="empty"):
        describe(tmp_path, "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.4\n\x00\x01", "PDF"),
        (b"PK\x03\x04garbage", "damaged"),
        (b"\x1f\x8bgarbage", "damaged"),
        (bytes(range(256)) * 20, "UTF-8|not a text|NUL|binary"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        describe_file(tmp_path / "t", "t.csv")
