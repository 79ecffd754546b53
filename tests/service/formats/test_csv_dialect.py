"""CSV requests in the dialects of training files."""

import numpy as np
import pytest

from service.formats import csv_rows
from service.formats.csv_dialect import with_commas
from service.formats.csv_lines import MAX_CELLS
from service.model.rows.reader import RowReader
from service.web.errors import InvalidInput
from tests.service.formats.test_json_rows import ONE
from tests.service.small_models import small_model

READER = RowReader(ONE.model, others=("y", "id"))
PLAIN = "x1,x2,x3,x4\n1,2,3,4\n5,6,7,8\n"


def rows(body: str) -> object:
    return csv_rows.read(READER, body.encode()).tolist()


@pytest.mark.parametrize(
    "body",
    [
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", "  "),
        "\ufeff" + PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").replace("\n", "\r\n"),
        PLAIN.replace(",", ";").replace("\n", "\r"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        '"x1";"x2";"x3";"x4"\n"1";"2";"3";"4"\n5;6;7;8\n',
        "'x1','x2','x3','x4'\n'1','2','3','4'\n5,6,7,8\n",
        "Plant 7\n\n" + PLAIN,
        "# measured in May\n" + PLAIN,
        "#x1,x2,x3,x4\n1,2,3,4\n5,6,7,8\n",
        PLAIN.replace("\n", ",,\n"),
        PLAIN.replace("\n", ";;\n").replace(",", ";"),
        "x1;x2;x3;x4;y;id\n1;2;3;4;0;a\n5;6;7;8;0;b\n",
        "x1,x2,x3,x4,y,id\n1,2,3,4,0,a\n5,6,7,8,0,b\n",
        PLAIN.replace(",", ";") + "\x1a",
    ],
)
def test_dialect_of_training_files_is_accepted(body: str) -> None:
    assert rows(body) == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]


def test_plain_body_is_passed_on_as_it_is() -> None:
    body = PLAIN.encode()
    assert with_commas(READER, body) is body


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_wrong_rows_are_named_as_with_commas(delimiter: str) -> None:
    body = PLAIN.replace("6", "six").replace(",8", ",8,9").replace(",", delimiter)
    with pytest.raises(InvalidInput) as caught:
        rows(body + delimiter.join("abcd"))
    assert [each["pointer"] for each in caught.value.errors] == [
        "/instances/1",
        *(f"/instances/2/x{place}" for place in (1, 2, 3, 4)),
    ]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_unknown_column_is_named_whatever_the_delimiter(delimiter: str) -> None:
    body = f"z,{PLAIN}".replace("\n", "\n0,", 2).replace(",", delimiter)
    with pytest.raises(InvalidInput) as caught:
        rows(body)
    [error] = caught.value.errors
    assert error["detail"] == 'column "z" is not a feature; expected x1, x2, x3, x4'


def test_name_and_category_with_a_space_are_no_delimiters() -> None:
    reader = RowReader(small_model(("my size",)))
    assert csv_rows.read(reader, b"my size\n1\n2\n3\n").tolist() == [[1.0], [2.0], [3.0]]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("names", [("x1", "x2", "x3", "x4"), ("x",)])
def test_body_without_line_ends_gets_a_hint(delimiter: str, names: tuple[str, ...]) -> None:
    reader = RowReader(small_model(names))
    lines = [names, *np.arange(3.0 * len(names)).reshape(3, -1).tolist()]
    body = "".join(delimiter.join(map(str, line)) for line in lines)
    with pytest.raises(InvalidInput) as caught:
        csv_rows.read(reader, body.encode())
    [error] = caught.value.errors
    assert "--data-binary" in error["detail"]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("rows", [3, 30_000])
def test_training_file_without_line_ends_gets_a_hint(delimiter: str, rows: int) -> None:
    lines = [["id", "x1", "x2", "x3", "x4", "y"], *[["1", "0.5", "2", "3", "4", "0.25"]] * rows]
    body = "".join(delimiter.join(line) for line in lines)
    with pytest.raises(InvalidInput) as caught:
        csv_rows.read(READER, body.encode())
    [error] = caught.value.errors
    assert "--data-binary" in error["detail"]


@pytest.mark.parametrize(
    ("features", "rest"),
    [(10, ""), (10, f",note\n1{',1' * 9},{'a' * 70_000}"), (15_000, "")],
)
def test_a_header_longer_than_the_sample_has_line_ends(features: int, rest: str) -> None:
    names = tuple(f"x{number}" for number in range(1, features + 1))
    reader = RowReader(small_model(names), others=("note",))
    body = ",".join(names) + (rest or "\n" + ",".join(["1"] * features)) + "\n"
    assert csv_rows.read(reader, body.encode()).tolist() == [[1.0] * features]


def test_row_of_very_many_cells_is_refused() -> None:
    body = PLAIN.replace(",", ";") + ";" * (MAX_CELLS + 1)
    with pytest.raises(Exception, match="a row has more than 500,000 cells"):
        rows(body)
