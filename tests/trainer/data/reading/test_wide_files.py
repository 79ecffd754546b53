"""Files with thousands of columns, long headers and long cells."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from network import Array
from trainer.data.reading.table_file import table_from_file
from trainer.errors import DataError

ROWS = 12
CSV_LIMIT = 131_072  # characters of a cell that Python's csv module accepts by default

Cell = Callable[[int, int], str]
CELLS: dict[str, Cell] = {
    "numbers": lambda row, column: f"{(7 * row + column) % 11}.5",
    "gaps": lambda row, column: "" if (row + column) % 5 == 0 else f"{row * column % 13}",
    "decimal commas": lambda row, column: f"{(3 * row + column) % 7},25",
    "units": lambda row, column: f"{(5 * row + column) % 9} kg",
    "texts": lambda row, column: ("red", "blue", "green")[(row + column) % 3],
    "quoted": lambda row, column: f'"{(row + column) % 4}"',
}


def text(columns: int, cell: Cell, name: str = "c{}") -> str:
    names = ["y", *(name.format(column) for column in range(columns))]
    rows = [[str(row), *(cell(row, column) for column in range(columns))] for row in range(ROWS)]
    return "".join(";".join(cells) + "\n" for cells in [names, *rows])


def calls(path: Path) -> int:
    """Return how many functions are called to read a file."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        table_from_file(path, ["y"])
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", CELLS)
def test_work_grows_linearly_with_columns(tmp_path: Path, kind: str) -> None:
    narrow, wide = tmp_path / "narrow.csv", tmp_path / "wide.csv"
    narrow.write_text(text(200, CELLS[kind]))
    wide.write_text(text(800, CELLS[kind]))
    table_from_file(narrow, ["y"])  # what is done once, such as imports
    assert calls(wide) <= 4.2 * calls(narrow)


@pytest.mark.parametrize(
    ("name", "expected"), [("column_{}", "column_{}"), ('"column ""{}"""', 'column "{}"')]
)
def test_header_may_be_longer_than_a_cell_of_the_csv_module(
    tmp_path: Path, name: str, expected: str
) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(text(15_000, CELLS["numbers"], name))
    assert len(path.read_text().partition("\n")[0]) > CSV_LIMIT
    table = table_from_file(path, ["y"])
    assert table.X.shape == (ROWS, 15_000)
    assert table.features[-1] == expected.format(14_999)


@pytest.mark.parametrize("quoted", [False, True])
def test_long_text_in_an_unused_column_is_passed_over(tmp_path: Path, quoted: bool) -> None:
    long = '"' + "a line; with a break\n" * 10_000 + '"' if quoted else "x" * 200_000
    path = tmp_path / "long.csv"
    path.write_text(
        "y;x;t\n" + "".join(f"{k};{k * k};{long if k == 7 else 't'}\n" for k in range(20))
    )
    table = table_from_file(path, ["y"], ["x"])
    expected: Array = np.arange(20.0)
    np.testing.assert_array_equal(table.X[:, 0], expected**2)


def test_long_column_name_is_refused_with_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f'y;"{"name " * 30_000}"\n' + "1;2\n2;3\n" * 10)
    with pytest.raises(DataError, match=r"'name name .*' is not a valid column name"):
        table_from_file(path, ["y"])
