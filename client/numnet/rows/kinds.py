"""Split rows of any type into blocks, each the body of one request.

NumPy and pandas are never imported here: an array or a frame has imported them already.
"""

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from numnet.rows.block import JsonBlock, NpyBlock
from numnet.rows.cell import json_value
from numnet.rows.csv_file import CsvBlock, csv_blocks

_SAMPLE = 100  # rows, from which the size of the others is estimated

Block = JsonBlock | NpyBlock | CsvBlock
Features = Callable[[], Sequence[str] | None]


def is_one_row(rows: Any) -> bool:
    """Return whether rows are one: an object by feature, a Series, or a flat list of values."""
    if isinstance(rows, Mapping) or _is_a(rows, "pandas", "Series"):
        return True
    if _is_a(rows, "numpy", "ndarray"):
        return bool(rows.ndim == 1 and not rows.dtype.names)
    if isinstance(rows, list | tuple) and rows:
        return isinstance(rows[0], str) or not hasattr(rows[0], "__iter__")
    return False


def row_of(row: Any) -> dict[str, Any] | list[Any]:
    """Return one row as JSON.

    Raises
    ------
    TypeError
        a cell has a wrong type.
    """
    if isinstance(row, Mapping) or _is_a(row, "pandas", "Series"):
        return {str(name): json_value(value) for name, value in row.items()}
    values = _values(row)
    if values is None:
        raise TypeError(f"a row must be an object or a list, got {row!r}")
    return [json_value(value) for value in values]


def blocks_of(
    rows: Any,
    features: Features,
    max_bytes: int,
    encoding: str | None = None,
) -> Iterator[Block]:
    """Yield the rows in blocks.

    Parameters
    ----------
    rows : a list or another iterable of rows, an array (N, features), a frame, the path of a CSV
        file, or a file that is open
    features : called between the first block and the second: returns the names of the features of
        the version that answered, if all of them are numbers; otherwise None
    max_bytes : of a block, about
    encoding : of a CSV file

    Raises
    ------
    OSError
        the file cannot be read.
    TypeError
        the rows, or a cell, have a wrong type.
    ValueError
        an array has a wrong shape, or a frame has two columns of the same name.
    """
    if isinstance(rows, str | os.PathLike):
        with _opened(rows) as file:
            yield from csv_blocks(file, max_bytes, encoding)
    elif hasattr(rows, "read"):
        yield from csv_blocks(rows, max_bytes, encoding)
    elif _is_a(rows, "pandas", "DataFrame"):
        yield from _frame_blocks(rows, features, max_bytes)
    elif _is_a(rows, "numpy", "ndarray"):
        yield from _array_blocks(rows, features, max_bytes)
    elif hasattr(rows, "__iter__"):
        yield from _json_blocks(map(row_of, rows), max_bytes)
    else:
        raise TypeError(
            "rows must be an object, a list of rows, an array, a DataFrame, a Series, or a CSV "
            f"file, got {type(rows).__name__}"
        )


def _json_blocks(rows: Iterator[Any], max_bytes: int) -> Iterator[Block]:
    """Yield blocks of JSON rows, of which memory holds one block at a time; at least one."""
    block = list(islice(rows, _SAMPLE))
    if len(block) < _SAMPLE:
        yield JsonBlock(block)
        return
    size = max(1, max_bytes // (len(json.dumps(block)) // _SAMPLE + 1))
    block += islice(rows, max(size - _SAMPLE, 0))
    while block:
        yield JsonBlock(block)
        block = list(islice(rows, size))


def _array_blocks(array: Any, features: Features, max_bytes: int) -> Iterator[Block]:
    """Yield blocks of an array (N, features), or of one with a field for each feature."""
    kind, names = array.dtype.kind, array.dtype.names
    if array.ndim != (1 if names else 2):
        raise ValueError(f"the array must have the shape (N, features), got {array.shape}")
    if names:
        columns = {name: array[name] for name in names}
        yield from _column_blocks(columns, len(array), features, max_bytes)
        return
    if kind == "f" and array.dtype.itemsize > 8:
        array = array.astype("float64")
    elif kind not in "fiuU":
        yield from _json_blocks(map(row_of, array), max_bytes)
        return
    size = max(1, max_bytes // max(1, array[:1].nbytes))
    for start in range(0, max(len(array), 1), size):
        yield NpyBlock(array[start : start + size])


def _frame_blocks(frame: Any, features: Features, max_bytes: int) -> Iterator[Block]:
    """Yield blocks of a DataFrame."""
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise ValueError(f"the frame has two columns of the same name: {', '.join(names)}")
    columns = {name: frame.iloc[:, index] for index, name in enumerate(names)}
    yield from _column_blocks(columns, len(frame), features, max_bytes)


def _column_blocks(
    columns: Mapping[str, Any], count: int, features: Features, max_bytes: int
) -> Iterator[Block]:
    """Yield blocks of columns, each a Series or an array: as an array if all are numbers.

    The order of the features is known when a version has answered. So the first rows are sent as
    objects, and the others in that order.
    """
    first = min(count, _SAMPLE)
    rows = _dicts(columns, 0, first)
    yield JsonBlock(rows)
    if first == count:
        return
    order = features() if all(map(_is_number, columns.values())) else None
    if order is not None and set(order) == set(columns):
        size = max(1, max_bytes // (8 * len(order)))
        for start in range(first, count, size):
            matrix = _matrix([columns[name] for name in order], start, start + size)
            yield NpyBlock(matrix, tuple(order))
        return
    size = max(1, max_bytes // (len(json.dumps(rows)) // first + 1))
    for start in range(first, count, size):
        yield JsonBlock(_dicts(columns, start, min(start + size, count)))


def _dicts(columns: Mapping[str, Any], start: int, stop: int) -> list[dict[str, Any]]:
    values = [[json_value(value) for value in column[start:stop]] for column in columns.values()]
    names = list(columns)
    if not names:
        return [{} for _ in range(start, stop)]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _matrix(columns: Sequence[Any], start: int, stop: int) -> Any:
    import numpy as np

    return np.column_stack([np.asarray(each[start:stop], np.float64) for each in columns])


def _is_number(column: Any) -> bool:
    """Return whether a column has a type of NumPy's numbers."""
    return getattr(column.dtype, "kind", "") in "fiu" and hasattr(column.dtype, "newbyteorder")


def _values(row: Any) -> Sequence[Any] | None:
    """Return the values of a row without names; None if it is no such row."""
    if isinstance(row, list | tuple):
        return row
    if _is_a(row, "numpy", "ndarray") and row.ndim == 1:
        return row.tolist() if row.dtype.kind in "fiub" else list(row)
    return None


def _is_a(value: Any, module: str, name: str) -> bool:
    """Return whether a value has a type of a module, which need not be installed."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))


def _opened(path: str | os.PathLike[str]) -> Any:
    name = os.fspath(path)
    return gzip.open(name, "rb") if name.endswith(".gz") else open(name, "rb")  # noqa: PTH123
