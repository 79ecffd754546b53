"""A table from a file, whatever its format."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from network import Column
from trainer.data.reading.cells.kinds import CellReader, reader_like
from trainer.data.reading.features import find_features
from trainer.data.reading.formats.block import Source
from trainer.data.reading.formats.content import damaged, identify
from trainer.data.reading.formats.excel import excel_source
from trainer.data.reading.formats.parquet import parquet_source
from trainer.data.reading.formats.text_source import text_source
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.remarks import find_remarks
from trainer.data.reading.rows import Reconsidered, read_rows
from trainer.data.reading.selection import Selection
from trainer.data.reading.stored_rows import StoredRows
from trainer.data.reading.summary import summarize
from trainer.data.table import Table, check_row_count
from trainer.errors import DataError

STANDARD_INPUT = Path("-")
MAX_PASSES = 5


def table_from_file(
    path: Path,
    targets: Sequence[str],
    features: Sequence[str] = (),
    weights: str | None = None,
    *,
    options: ReadingOptions | None = None,
    like: Sequence[Column] = (),
    source: str | None = None,
    poll: Callable[[], object] = lambda: None,
) -> Table:
    """Read the named columns of a file; the cells of other columns are not checked.

    The file is a text with a header, an Excel workbook or Parquet, possibly compressed. What the
    file does not say about itself, such as its delimiter, is found from its first rows. The table's
    summary tells what was understood and left out.

    Parameters
    ----------
    path : "-" for the standard input
    targets : columns to predict
    features : columns to predict from, in the model's order; by default all others with information
    weights : the column of row weights; rows of weight 0 are left out
    like : features and targets of the table that a model is trained on, for a table to test it on:
        the columns have the same kinds and formats, and rows may be few or have one target value
    source : the table's name, also in errors; by default the file's
    poll : called every few thousand rows; may raise to end the reading

    Raises
    ------
    DataError
        the file cannot be read, lacks a column, or has invalid lines or cells (the first 20 are
        named by line and column); or the table is invalid, see `Table`.
    """
    options = options or ReadingOptions()
    name = source or ("standard input" if path == STANDARD_INPUT else str(path))
    known = {column.name: column for column in like}
    fixed: dict[str, Callable[[], CellReader]] = {
        column.name: partial(reader_like, column) for column in like if column.kind != "number"
    }
    for passes in range(1, MAX_PASSES + 1):
        repeatable = passes < MAX_PASSES and path != STANDARD_INPUT
        try:
            with _opened(path) as stream:
                rows = _open_source(stream, name, targets, options.encoding)
                selection = Selection.of(
                    rows, name, targets, features, weights, categories=options.categories
                )
                stored = read_rows(
                    rows,
                    selection,
                    name,
                    options,
                    fixed,
                    like=known,
                    repeatable=repeatable,
                    poll=poll,
                )
            break
        except Reconsidered as found:
            fixed[found.column] = found.make_reader
        except OSError as error:
            raise _unreadable(name, error) from error
    short = source or (name if path == STANDARD_INPUT else path.name)
    return _table(stored, rows, options, short, name, like=known)


@contextmanager
def open_rows(
    path: Path, name: str, targets: Sequence[str] = (), encoding: str | None = None
) -> Iterator[Source]:
    """Open the rows of a file, whose cells are not read yet.

    Parameters
    ----------
    name : of the file, in errors
    targets : names that its header has to have

    Raises
    ------
    DataError
    """
    try:
        with _opened(path) as stream:
            yield _open_source(stream, name, targets, encoding)
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> DataError:
    if error.errno is None:  # compressed data
        return damaged(name, error)
    return DataError(f"cannot read {name}: {error.strerror or error}")


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer
    else:
        with path.open("rb") as stream:
            yield stream


def _open_source(
    stream: IO[bytes], name: str, targets: Sequence[str], encoding: str | None
) -> Source:
    content = identify(stream, name)
    if content.kind == "Excel":
        return excel_source(content.stream, name, targets)
    if content.kind == "Parquet":
        return parquet_source(content.stream, name)
    return text_source(content, name, targets, encoding)


def _table(
    stored: StoredRows,
    rows: Source,
    options: ReadingOptions,
    source: str,
    name: str,
    *,
    like: Mapping[str, Column],
) -> Table:
    selection = stored.selection
    if selection.weights and not len(stored.X) and stored.without_weight:
        raise DataError(f"{source}: every row has weight 0 in column {selection.weights!r}")
    check_row_count(len(stored.X), source, is_test=bool(like))
    features = find_features(stored, name, options.categories, like)
    remarks = find_remarks(features.columns, selection.targets, features.X, stored.Y)
    return Table(
        features.columns,
        selection.targets,
        features.X,
        stored.Y,
        source,
        stored.weights,
        selection.weights or None,
        summarize(rows, stored, features, options, remarks),
        is_test=bool(like),
    )
