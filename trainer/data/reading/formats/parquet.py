"""Rows of a Parquet file."""

from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from trainer.data.reading.cells.kinds import Cells
from trainer.data.reading.formats.block import Source
from trainer.data.reading.formats.typed_block import TypedBlock, as_text
from trainer.errors import DataError

BLOCK_ROWS = 10_000


def parquet_source(stream: IO[bytes], name: str) -> Source:
    """Return the rows of a Parquet file.

    Parameters
    ----------
    name : of the file, in errors

    Raises
    ------
    DataError
        the file cannot be read, or arro3-io is not installed.
    """
    batches = _open(stream, name)
    names = [" ".join(each.split()) for each in batches.schema.names]
    return Source(names, _blocks(batches), about="a Parquet file")


def _blocks(batches: Any) -> Iterator[TypedBlock]:
    row = 1
    for batch in batches:
        if count := batch.num_rows:
            yield TypedBlock([_cells(each) for each in batch.columns], range(row, row + count))
        row += count


def _open(stream: IO[bytes], name: str) -> Any:
    try:
        from arro3.io import read_parquet  # noqa: PLC0415  # an optional package
    except ImportError:
        raise DataError(
            f"{name} is a Parquet file: save its table as CSV, or install the package arro3-io"
        ) from None
    try:
        return read_parquet(stream, batch_size=BLOCK_ROWS)
    except BaseException as error:  # arro3 panics if the file is damaged
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise DataError(f"{name} is not a valid Parquet file: {error}") from error
        raise


def _cells(column: Any) -> Cells:
    """Return numbers as an array, and other cells as texts."""
    values = column.to_pylist()
    if all(type(value) in (int, float) for value in values if value is not None):
        return np.array(values, np.float64)
    return [as_text(value) for value in values]
