"""Tables from CSV files with a header."""

import csv
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from config.numbers import parse_number
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
    """Read the named columns of a UTF-8 file; further columns may hold anything.

    The delimiter is a comma, semicolon or tab, whichever splits the header into most cells.
    Decimals are written with a point. Lines without any character are skipped.

    Parameters
    ----------
    targets : columns to predict
    features : columns to predict from, in the model's order; all others where empty
    weights : the column that says what each row weighs; rows of weight 0 are left out
    source : what the table is called, in errors as well; by default as the file
    poll : called now and then, and may raise to end the reading

    Raises
    ------
    DataError
        the file cannot be read, lacks a column, or has cells that are not finite numbers (the
        first 20 are named by line and column); or as `Table`.
    """
    named = source or path
    source = source or path.name
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=_delimiter(file), strict=True)
            header = [name.strip() for name in next(filter(None, reader), [])]
            known = [*targets, *([weights] if weights else [])]
            features = tuple(features or (name for name in header if name not in known))
            columns = _columns(named, header, [*known, *features])
            cells = array("d")
            for count, row in enumerate(_rows(named, reader, header, columns)):
                cells.extend(row)
                if count % POLL_ROWS == 0:
                    poll()
    except OSError as error:
        raise DataError(f"cannot read {named}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{named}, line {_undecodable_line(path)}: not UTF-8 text: {error.reason}"
        ) from error
    except csv.Error as error:
        raise DataError(f"{named}, line {reader.line_num}: {error}") from error
    data = np.frombuffer(cells, dtype=np.float64).reshape(-1, len(columns))
    Y, X = data[:, : len(targets)], data[:, len(known) :]
    if not weights:
        return Table(features, tuple(targets), X.copy(), Y.copy(), source)
    if weights in (*targets, *features):
        raise DataError(f"column {weights!r} cannot be both the weights and a feature or target")
    weight = data[:, len(targets)]
    counts = weight != 0
    if not counts.any():
        raise DataError(f"{source}: every row weighs 0 in column {weights!r}")
    return Table(features, tuple(targets), X[counts], Y[counts], source, weight[counts], weights)


def _delimiter(file: TextIO) -> str:
    """The delimiter that splits the header into most cells; rewinds the file."""
    header = next((line for line in file if line.strip()), "")
    file.seek(0)
    return max(DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def _undecodable_line(path: Path) -> int:
    """The first line that is not UTF-8; the error itself counts bytes from the decoder's block."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0  # the file was changed meanwhile


def _columns(named: Path | str, header: list[str], names: Sequence[str]) -> list[int]:
    if not any(header):
        raise DataError(f"{named} is empty: expected a header with column names")
    for name in names:
        if header.count(name) != 1:
            problem = "two columns called" if name in header else "no column"
            raise DataError(f"{named} has {problem} {name!r}; its columns are: {', '.join(header)}")
    return [header.index(name) for name in names]


def _rows(
    named: Path | str, reader: Iterator[list[str]], header: list[str], columns: list[int]
) -> Iterator[list[float]]:
    errors: list[str] = []
    for row in reader:
        if not row:
            continue
        if len(row) != len(header):
            errors.append(
                f"line {_line(reader)}: {len(row)} cells where the header has {len(header)}"
            )
        else:
            numbers, wrong = _numbers([row[index] for index in columns])
            if not wrong:
                yield numbers
            errors += [
                f"line {_line(reader)}, column {header[columns[index]]!r}: "
                f"expected a finite number, got {row[columns[index]][:40]!r}"
                for index in sorted(wrong, key=columns.__getitem__)
            ]
        if len(errors) >= MAX_ERRORS:
            break
    if errors:
        shown = errors[:MAX_ERRORS]
        raise DataError("\n  ".join([f"{named} cannot be used:", *shown]))


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
