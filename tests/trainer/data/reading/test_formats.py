"""Excel, Parquet, zstd and the standard input, with and without the packages that read them."""

import io
import sys
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from network import Column
from trainer.data.reading.table_file import STANDARD_INPUT, table_from_file
from trainer.errors import DataError

COUNT = 12
EPOCH_OF_EXCEL = date(1899, 12, 30)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def csv_bytes() -> bytes:
    return ("a,y\n" + "".join(f"{k}.5,{k * k}\n" for k in range(COUNT))).encode()


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    """Return an Excel workbook."""
    names = "".join(
        f'<sheet name="Sheet {k}" sheetId="{k}" r:id="rId{k}"/>' for k in range(1, len(sheets) + 1)
    )
    targets = "".join(
        f'<Relationship Id="rId{k}" Type="{_RELATIONS}/worksheet" Target="sheet{k}.xml"/>'
        for k in range(1, len(sheets) + 1)
    )
    styles = f'<Relationship Id="rIdS" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">'
        f"<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f"{targets}{styles}</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
        f'<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }
    for k, rows in enumerate(sheets, 1):
        body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
        parts[f"xl/sheet{k}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0"?>{text}')
    return file.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - EPOCH_OF_EXCEL).days}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def row(k: int) -> list[object]:
    """Return a row with a number, a text, a boolean, a date, a gap and the target."""
    day = date(2024, 1, 1) + timedelta(days=k)
    return [k + 0.5, "red" if k % 3 else "blue", k % 2 == 0, day, k if k % 4 else None, k * k]


NAMES = ["a", "t", "b", "d", "g", "y"]
COLUMNS = (
    Column("a"),
    Column("t", "category", ("blue", "red")),
    Column("b", "boolean", ("false", "true")),
    Column("d", "datetime"),
    Column("g", has_gaps=True),
)
FIRST_ROWS = [[0.5, 0, 1, 19723, np.nan], [1.5, 1, 0, 19724, 1], [2.5, 1, 1, 19725, 2]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


# Excel


def test_the_sheet_with_the_target_is_read(path: Path) -> None:
    cover = [["Report"], ["on the", "y"], ["of a plant"]]
    table: list[tuple[object, ...]] = [("a", "y"), *((k, k * k) for k in range(20))]
    path.write_bytes(workbook(cover, [["a", "z"], [1, 2]], table))
    found = table_from_file(path, ["y"])
    assert found.summary["format"] == "sheet 'Sheet 3' of an Excel workbook"
    assert found.Y[:, 0].tolist() == [k * k for k in range(20)]


def test_a_sheet_with_few_rows_is_read_before_a_longer_one(path: Path) -> None:
    few = [("a", "y"), (1, 2), (3, 4)]
    path.write_bytes(workbook(few, [("a", "y"), *((k, k) for k in range(20))]))
    like = table_from_file(path, ["y"], like=[Column("a")])
    assert like.Y[:, 0].tolist() == [2, 4]


def test_the_first_sheet_of_a_workbook_is_read(path: Path) -> None:
    rows: list[list[object]] = [["A title"], [], [*NAMES], *map(row, range(COUNT)), [None] * 6, []]
    path.write_bytes(workbook([], rows, [["a", "y"], [1, 2]]))
    table = table_from_file(path, ["y"])
    assert table.columns == COLUMNS
    np.testing.assert_array_equal(table.X[:3], FIRST_ROWS)
    np.testing.assert_array_equal(table.Y[:, 0], np.arange(COUNT) ** 2)
    assert table.summary["format"] == "sheet 'Sheet 2' of an Excel workbook"
    assert table.summary["notes"] == [
        "1 line above the column names left out",
        "sheet 'Sheet 3' left out",
    ]


def test_a_wrong_cell_of_a_workbook_is_named_by_its_row(path: Path) -> None:
    path.write_bytes(workbook([["a", "y"], *([k, k * k] for k in range(COUNT)), [], ["x", 5]]))
    with pytest.raises(DataError, match="row 15, column 'a': expected a finite number, got 'x'"):
        table_from_file(path, ["y"])


def test_a_workbook_that_cannot_be_read_is_refused(path: Path) -> None:
    path.write_bytes(workbook([[]]))
    with pytest.raises(DataError, match="is an Excel workbook without a filled sheet"):
        table_from_file(path, ["y"])
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000))
    with pytest.raises(DataError, match="is not a valid Excel workbook: "):
        table_from_file(path, ["y"])


# Parquet


def test_parquet_is_read(path: Path) -> None:
    core = import_module("arro3.core")
    types = core.DataType
    kinds = [types.float64(), types.utf8(), types.bool(), types.date32(), types.int64()]
    columns = list(zip(*map(row, range(COUNT)), strict=True))
    arrays = {
        name: core.Array(list(column), type=kind)
        for name, column, kind in zip(NAMES, columns, [*kinds, types.int64()], strict=True)
        if name != "d"
    }
    days = [(day - date(1970, 1, 1)).days for day in columns[3]]
    arrays["d"] = core.Array(days, type=types.int32()).cast(types.date32())
    import_module("arro3.io").write_parquet(core.Table.from_pydict(arrays), path)
    table = table_from_file(path, ["y"], NAMES[:-1])
    assert table.columns == COLUMNS
    np.testing.assert_array_equal(table.X[:3], FIRST_ROWS)
    np.testing.assert_array_equal(table.Y[:, 0], np.arange(COUNT) ** 2)
    assert table.summary["format"] == "a Parquet file"


# zstd and missing packages


def test_zstd_is_read(path: Path) -> None:
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    path.write_bytes(zstd.compress(csv_bytes()))
    table = table_from_file(path, ["y"])
    np.testing.assert_array_equal(table.X[:, 0], np.arange(COUNT) + 0.5)
    assert table.summary["format"] == "UTF-8 text separated by commas, compressed by zstd"


def test_damaged_zstd_is_refused(path: Path) -> None:
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    path.write_bytes(zstd.compress(csv_bytes())[:-10])
    with pytest.raises(DataError, match="is damaged: "):
        table_from_file(path, ["y"])
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    with pytest.raises(DataError, match="is damaged: "):
        table_from_file(path, ["y"])


@pytest.mark.parametrize(
    ("content", "modules", "message"),
    [
        (
            workbook([["a"]]),
            ["python_calamine"],
            "is an Excel workbook: save its table as CSV, or install the package python-calamine",
        ),
        (
            b"PAR1" + bytes(20),
            ["arro3.io"],
            "is a Parquet file: save its table as CSV, or install the package arro3-io",
        ),
        (
            b"\x28\xb5\x2f\xfd" + bytes(20),
            ["compression.zstd", "backports.zstd", "zstandard"],
            "is compressed by zstd: decompress it, or install the package backports.zstd",
        ),
    ],
)
def test_a_missing_package_is_named(
    content: bytes, modules: list[str], message: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{message}$"):
        table_from_file(path, ["y"])


# The standard input


class Pipe(io.RawIOBase):
    """A stream that gives a few bytes at a time and cannot be rewound."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = len(self._content) if size < 0 else min(size, 100)
        part, self._content = self._content[:size], self._content[size:]
        return part


@pytest.mark.parametrize("compressed", [False, True])
def test_the_standard_input_is_read(compressed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    content = csv_bytes()
    if compressed:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.csv", content)
        content = file.getvalue()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(content)))  # type: ignore[type-var]
    table = table_from_file(STANDARD_INPUT, ["y"])
    assert table.source == "standard input"
    np.testing.assert_array_equal(table.X[:, 0], np.arange(COUNT) + 0.5)
    np.testing.assert_array_equal(table.Y[:, 0], np.arange(COUNT) ** 2)
