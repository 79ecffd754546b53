"""Tables from CSV files with a header."""

import csv
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from config.numbers import parse_number
from network import Array, numbers
from trainer.data.table import Table
from trainer.errors import DataError

MAX_ERRORS = 20
DELIMITERS = ",;\t"
POLL_ROWS = 10_000


def csv_table(
    path: Path,
    targets: Sequence[str],
    features: Sequence[str] = (),
    weights: str | None = None,
    *,
    source: str | None = None,
    poll: Callable[[], object] = lambda: None,
) -> Table:
    """Read the named columns of a UTF-8 file; the cells of other columns are not checked.

    The delimiter is a comma, semicolon or tab, whichever splits the header into most cells.
    Numbers are those of `config.numbers.parse_number`. Empty lines are skipped.

    Parameters
    ----------
    targets : columns to predict
    features : columns to predict from, in the model's order; by default all others
    weights : the column of row weights; rows of weight 0 are left out
    source : the table's name, also in errors; by default the file's
    poll : called every `POLL_ROWS` rows; may raise to end the reading

    Raises
    ------
    DataError
        the file cannot be read, lacks a column, or has cells that are not finite numbers (the
        first 20 are named by line and column); or the table is invalid, see `Table`.
    """
    name = source or str(path)
    known = [*targets, *([weights] if weights else [])]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=_delimiter(file), strict=True)
            header = [cell.strip() for cell in next(filter(None, reader), [])]
            features = tuple(features or (each for each in header if each not in known))
            data = _read(name, reader, header, [*known, *features], poll)
    except OSError as error:
        raise DataError(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = _undecodable_line(path)
        raise DataError(f"{name}, line {line}: not UTF-8 text: {error.reason}") from error
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}") from error
    Y, X = data[:, : len(targets)], data[:, len(known) :]
    source = source or path.name
    if not weights:
        return Table(numbers(features), tuple(targets), X.copy(), Y.copy(), source)
    if weights in (*targets, *features):
        raise DataError(f"column {weights!r} cannot be both the weights and a feature or target")
    weight = data[:, len(targets)]
    counts = weight != 0
    if not counts.any():
        raise DataError(f"{source}: every row has weight 0 in column {weights!r}")
    return Table(
        numbers(features), tuple(targets), X[counts], Y[counts], source, weight[counts], weights
    )


def _delimiter(file: TextIO) -> str:
    """Return the delimiter that splits the header into most cells, and rewind the file."""
    header = next((line for line in file if line.strip()), "")
    file.seek(0)
    return max(DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def _read(
    name: str,
    reader: Iterator[list[str]],
    header: list[str],
    columns: Sequence[str],
    poll: Callable[[], object],
) -> Array:
    """Return the numbers of some columns: (rows, columns) float64."""
    indices = _indices(name, header, columns)
    cells = array("d")
    for count, row in enumerate(_rows(name, reader, header, indices)):
        cells.extend(row)
        if count % POLL_ROWS == 0:
            poll()
    return np.frombuffer(cells, dtype=np.float64).reshape(-1, len(columns))


def _indices(name: str, header: list[str], columns: Sequence[str]) -> list[int]:
    if not any(header):
        raise DataError(f"{name} is empty: expected a header with column names")
    for column in columns:
        if header.count(column) != 1:
            problem = "two columns called" if column in header else "no column"
            raise DataError(
                f"{name} has {problem} {column!r}; its columns are: {', '.join(header)}"
            )
    return [header.index(column) for column in columns]


def _rows(
    name: str, reader: Iterator[list[str]], header: list[str], indices: list[int]
) -> Iterator[list[float]]:
    errors: list[str] = []
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            errors.append(
                f"line {_line(reader)}: {len(row)} cells, but the header has {len(header)}"
            )
        else:
            numbers, wrong = _numbers([row[index] for index in indices])
            if not wrong:
                yield numbers
            errors += [
                f"line {_line(reader)}, column {header[indices[place]]!r}: "
                f"expected a finite number, got {row[indices[place]][:40]!r}"
                for place in sorted(wrong, key=indices.__getitem__)
            ]
        if len(errors) >= MAX_ERRORS:
            break
    if errors:
        raise DataError("\n  ".join([f"{name} cannot be used:", *errors[:MAX_ERRORS]]))


def _line(reader: object) -> int:
    return reader.line_num  # type: ignore[attr-defined, no-any-return]  # csv.reader has no public type


def _numbers(cells: list[str]) -> tuple[list[float], list[int]]:
    """Return the cells as floats, and the indices of cells that are not finite numbers."""
    numbers, wrong = [], []
    for index, cell in enumerate(cells):
        number = parse_number(cell)
        if number is None or not math.isfinite(number):
            wrong.append(index)
            number = math.nan
        numbers.append(number)
    return numbers, wrong


def _undecodable_line(path: Path) -> int:
    """Return the number of the first line that is not UTF-8.

    The decoder's error has only a position within its current block.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0  # the file has changed since
