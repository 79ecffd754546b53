"""Rows after the first block that do not look like those before, and large files."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import Column
from trainer.data.reading.formats import text_lines, text_source
from trainer.data.reading.table_file import STANDARD_INPUT, table_from_file
from trainer.errors import DataError

EARLY, LATE = 200, 20


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path to a file that is read in blocks of a few lines."""
    monkeypatch.setattr(text_lines, "READ_BYTES", 64)
    monkeypatch.setattr(text_lines, "BLOCK_CHARACTERS", 512)
    monkeypatch.setattr(text_lines, "BLOCK_LINES", 10)
    return tmp_path / "table.csv"


def content(early: Callable[[int], str], late: Callable[[int], str]) -> str:
    cells = [*map(early, range(EARLY)), *map(late, range(LATE))]
    return "k;x;y\n" + "".join(f"{k % 7};{cell};{k}\n" for k, cell in enumerate(cells))


LATER: dict[str, tuple[Callable[[int], str], Callable[[int], str], Column, list[float]]] = {
    "numbers after gaps": (lambda k: "", str, Column("x", has_gaps=True), [0.0, 1.0, 2.0]),
    "texts after gaps": (
        lambda k: "NA",
        lambda k: "ab"[k % 2],
        Column("x", "category", ("a", "b"), has_gaps=True),
        [0.0, 1.0, 0.0],
    ),
    "dates after gaps": (
        lambda k: "",
        lambda k: f"2024-01-{k + 1:02}",
        Column("x", "datetime", has_gaps=True),
        [19723.0, 19724.0, 19725.0],
    ),
    "thousands marks": (
        lambda k: str(k % 900),
        lambda k: f"1,{k:03},000",
        Column("x", thousands=","),
        [1e6, 1.001e6, 1.002e6],
    ),
    "decimal commas": (str, lambda k: f"{k},5", Column("x", decimal=","), [0.5, 1.5, 2.5]),
    "texts after numbers": (
        lambda k: str(k % 3),
        lambda k: "none of them",
        Column("x", "category", ("0", "1", "2", "none of them")),
        [3.0, 3.0, 3.0],
    ),
    "a third word after booleans": (
        lambda k: ("no", "yes")[k % 2],
        lambda k: ("no", "perhaps")[k % 2],
        Column("x", "category", ("no", "perhaps", "yes")),
        [0.0, 1.0, 0.0],
    ),
    "days over 12": (
        lambda k: f"01/{k % 12 + 1:02}/2024",
        lambda k: f"01/{k % 12 + 13:02}/2024",
        Column("x", "datetime", date_format="%m/%d/%Y"),
        [19735.0, 19736.0, 19737.0],
    ),
}


@pytest.mark.parametrize(("early", "late", "column", "cells"), LATER.values(), ids=LATER)
def test_a_column_that_changes_later_is_read(
    early: Callable[[int], str],
    late: Callable[[int], str],
    column: Column,
    cells: list[float],
    path: Path,
) -> None:
    path.write_text(content(early, late))
    table = table_from_file(path, ["y"], ["k", "x"])
    assert table.columns[1] == column
    np.testing.assert_array_equal(table.X[EARLY : EARLY + 3, 1], cells)
    np.testing.assert_array_equal(table.Y[:, 0], np.arange(EARLY + LATE))


def test_a_late_error_names_its_line(path: Path) -> None:
    path.write_text(content(str, lambda k: "wrong" if k == 11 else str(k)))
    with pytest.raises(DataError, match=r"line 213, column 'x': expected a finite number, got 'w"):
        table_from_file(path, ["y"])


def test_the_standard_input_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.BytesIO(content(lambda k: str(k % 3), lambda k: "no number").encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(text))
    with pytest.raises(DataError, match="line 202, column 'x': expected a finite number, got 'no"):
        table_from_file(STANDARD_INPUT, ["y"])


def test_a_text_with_too_many_values_is_left_out(path: Path) -> None:
    lines = [f"{k},name {k % 1100},{k * k}\n" for k in range(3000)]
    path.write_text("k,x,y\n" + "".join(lines))
    table = table_from_file(path, ["y"])
    assert table.features == ("k",)
    assert table.summary["left_out"] == [
        {"column": "x", "why": "it has more than 1,000 different texts"}
    ]
    with pytest.raises(
        DataError,
        match=f"^{re.escape(str(path))}: feature 'x' cannot be used: it has more than 1,000",
    ):
        table_from_file(path, ["y"], ["k", "x"])


def test_rows_without_target_or_weight_are_left_out_in_every_block(path: Path) -> None:
    lines = [f"{k},{k % 5},{'' if k % 3 == 0 else k}\n" for k in range(300)]
    path.write_text("a,w,y\n" + "".join(lines))
    table = table_from_file(path, ["y"], weights="w")
    kept = [k for k in range(300) if k % 3 and k % 5]
    np.testing.assert_array_equal(table.X[:, 0], kept)
    np.testing.assert_array_equal(table.Y[:, 0], kept)
    np.testing.assert_array_equal(table.weights, np.mod(kept, 5))
    assert table.summary["notes"][:2] == [
        "100 rows left out, because 'y' is missing",
        "60 rows left out, because the weight is 0",
    ]


def test_a_long_quoted_cell_is_read_across_blocks(path: Path) -> None:
    note = '"' + "a line\n" * 300 + '"'
    path.write_text("t,k,y\n" + "".join(f"{note},{k},{k * k}\n" for k in range(15)) + "x,z,1\n")
    with pytest.raises(DataError, match=rf"line {15 * 301 + 2}, column 'k': .* got 'z'"):
        table_from_file(path, ["y"], ["k"])


def test_a_quote_that_is_never_closed_is_refused(path: Path) -> None:
    path.write_text(content(str, lambda k: f'"{k}' if k == 3 else str(k)))
    with pytest.raises(DataError, match=r", line 221: unexpected end of data"):
        table_from_file(path, ["y"])


def test_a_line_without_an_end_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "MAX_LINE_CHARACTERS", 1000)
    path.write_text("a,y\n1,2\n" * 10 + "1" * 2000)
    with pytest.raises(DataError, match="line 21 is too long to be a row"):
        table_from_file(path, ["y"])


class Endless(io.RawIOBase):
    """A stream that begins with some bytes and goes on with one letter for ever."""

    def __init__(self, head: bytes) -> None:
        self._rest = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = (self._rest + b"x" * len(buffer))[: len(buffer)]
        self._rest = self._rest[len(buffer) :]
        buffer[:] = data
        return len(data)


@pytest.mark.parametrize(
    ("head", "line"), [("a,y\n1,2\n3", 3), ("", 1), ('a,t,y\n1,"two\n', 3), ('"a', 1)]
)
def test_endless_line_is_refused_before_it_is_in_memory(
    monkeypatch: pytest.MonkeyPatch, head: str, line: int
) -> None:
    monkeypatch.setattr(text_lines, "MAX_LINE_CHARACTERS", 1 << 20)
    stdin = io.TextIOWrapper(io.BufferedReader(Endless(head.encode())))
    monkeypatch.setattr(sys, "stdin", stdin)
    message = f"standard input: line {line} is too long to be a row, with more than 1,048,576 char"
    with pytest.raises(DataError, match=message):
        table_from_file(STANDARD_INPUT, ["y"])


def test_endless_quoted_cell_is_refused_with_the_line_where_it_begins(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_source, "MAX_CELL_CHARACTERS", 5000)
    lines = [f"{k},text,{k}\n" for k in range(30)]
    path.write_text("k,t,y\n" + "".join(lines) + '30,"not closed,30\n' + "".join(lines * 50))
    message = r"line 32: a cell has more than 5,000 characters; is a quote missing at its end\?"
    with pytest.raises(DataError, match=message):
        table_from_file(path, ["y"])
