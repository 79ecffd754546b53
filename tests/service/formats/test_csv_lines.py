"""Lines of CSV bodies: their order and numbers, and what one row may have."""

import csv
from typing import Any

import pytest

from service.formats import csv_lines
from service.formats.csv_lines import Lines


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "MAX_CHARACTERS", 40)
    monkeypatch.setattr(csv_lines, "MAX_CELLS", 12)
    monkeypatch.setattr(csv_lines, "_BLOCK_CHARACTERS", 8)


def test_lines_of_a_returned_block_come_again() -> None:
    lines = Lines("\ufeffa\r\nb,c\rd\n\ne,f,g\nh".encode())
    assert next(lines) == "a\n"
    block = lines.block()
    assert (block, lines.number) == ("b,c\nd\n\ne,f,g\n", 5)
    lines.return_block(block)
    assert lines.number == 1
    assert list(lines) == ["b,c\n", "d\n", "\n", "e,f,g\n", "h"]
    assert lines.number == 6
    assert lines.block() == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ä" * 60, "a line has more than 40 characters"),
        ("1;" * 18, "a row has more than 12 cells"),
    ],
)
@pytest.mark.parametrize("read", [next, Lines.block])
def test_too_long_a_line_is_refused_with_its_number(read: Any, line: str, reason: str) -> None:
    lines = Lines(f"1;2\n3;4\n{line}\n".encode(), ";")
    next(lines)
    next(lines)
    lines.cells = 0
    with pytest.raises(csv.Error, match=reason):
        read(lines)
    assert lines.number == 3


def test_cells_of_a_row_in_several_lines_are_counted() -> None:
    lines = Lines(b'"1,2\n3,4\n5,6\n7,8\n9,0\n1,2",3\n')
    with pytest.raises(csv.Error, match="a row has more than 12 cells"):
        next(csv.reader(lines, strict=True))
