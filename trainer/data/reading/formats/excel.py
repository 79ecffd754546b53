"""Rows of a sheet of an Excel workbook or an OpenDocument spreadsheet."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO, Any

from config.delimited.header import find_header
from trainer.data.reading.formats.block import Source
from trainer.data.reading.formats.typed_block import TypedBlock, as_text
from trainer.errors import DataError

BLOCK_ROWS = 10_000
SAMPLE_ROWS = 100


def excel_source(stream: IO[bytes], name: str, wanted: Sequence[str]) -> Source:
    """Return the rows of the first visible sheet that has the wanted columns and rows below them.

    If none has, it is the first one with cells.

    Parameters
    ----------
    name : of the file, in errors
    wanted : names that a header has to have

    Raises
    ------
    DataError
        the workbook cannot be read, or python-calamine is not installed.
    """
    sheets = _filled_sheets(stream, name)
    title = next(
        (title for title in sheets if _has_table(sheets[title], wanted)), next(iter(sheets))
    )
    others = [each for each in sheets if each != title]
    rows = _rows(sheets[title])
    sample = list(islice(rows, SAMPLE_ROWS))
    header = find_header(sample, wanted)
    numbered = enumerate(chain(sample[header.rows :], rows), header.rows + 1)
    return Source(
        header.names,
        _blocks(numbered, len(header.names)),
        about=f"sheet {title!r} of an Excel workbook",
        notes=[*header.notes, *(f"sheet {each!r} left out" for each in others)],
        headless=header.invented,
    )


def _blocks(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[TypedBlock]:
    while some := list(islice(rows, BLOCK_ROWS)):
        filled = [(number, row[:width]) for number, row in some if any(row)]
        if filled:
            numbers, cells = zip(*filled, strict=True)
            yield TypedBlock(list(zip(*cells, strict=True)), numbers)


def _rows(sheet: Any) -> Iterator[list[str]]:
    return ([as_text(cell) for cell in row] for row in sheet.iter_rows())


def _has_table(sheet: Any, wanted: Sequence[str]) -> bool:
    """Return whether a sheet has the wanted columns, and a row with a cell in all of them."""
    sample = list(islice(_rows(sheet), SAMPLE_ROWS))
    header = find_header(sample, wanted)
    if not set(wanted) <= set(header.names):
        return False
    places = [header.names.index(each) for each in wanted]
    return any(all(row[place] for place in places) for row in sample[header.rows :])


def _filled_sheets(stream: IO[bytes], name: str) -> dict[str, Any]:
    """Return the visible sheets that have cells, by title."""
    try:
        from python_calamine import (  # noqa: PLC0415  # an optional package
            CalamineError,
            CalamineWorkbook,
            SheetVisibleEnum,
        )
    except ImportError:
        raise DataError(
            f"{name} is an Excel workbook: save its table as CSV, "
            f"or install the package python-calamine"
        ) from None
    try:
        workbook = CalamineWorkbook.from_filelike(stream)
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible
        ]
        sheets = {title: workbook.get_sheet_by_name(title) for title in visible}
    except CalamineError as error:
        raise DataError(f"{name} is not a valid Excel workbook: {error}") from error
    filled = {title: sheet for title, sheet in sheets.items() if sheet.start is not None}
    if not filled:
        raise DataError(f"{name} is an Excel workbook without a filled sheet")
    return filled
