"""A table to train on: rows of named features and targets."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Column, Rows
from trainer.errors import DataError

MIN_ROWS = 10  # gives at least one training, validation and test row each
MAX_MAGNITUDE = 1e100  # keeps squares and their sums finite
MIN_RANGE = 1e-100  # of a target; squares of much smaller errors are rounded to 0
MAX_WEIGHT = 1e12
MAX_NAME_LENGTH = 200
CELLS_AT_A_TIME = 1 << 20  # of a check, so that its temporary arrays stay small


@dataclass(frozen=True, eq=False)
class Table:
    """Observations that passed the checks below.

    Attributes
    ----------
    columns : of the features
    targets : column names
    X : (N, features) float64, as `network.column` describes it; NaN only where a column has gaps
    Y : (N, targets) float64
    source : the name of the data, such as a file's
    weights : (N,) float64, above 0; None for equal weights
    weights_name : the column of the weights
    summary : what a reader understood and left out, a JSON document; empty for generated rows
    is_test : whether the rows only test a model; they may be few then, and a target constant

    Raises
    ------
    DataError
        names are invalid, rows are too few, numbers are not finite or exceed `MAX_MAGNITUDE`, a
        target is constant or varies by less than `MIN_RANGE`, or weights are not above 0.
    """

    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    X: Array
    Y: Array
    source: str
    weights: Array | None = None
    weights_name: str | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    is_test: bool = False

    def __post_init__(self) -> None:
        _check_names(self.features, self.targets)
        check_row_count(len(self.X), self.source, is_test=self.is_test)
        gaps = np.array([column.has_gaps for column in self.columns])
        self._check_magnitudes(self.features, self.X, gaps)
        self._check_magnitudes(self.targets, self.Y, np.zeros(len(self.targets), np.bool_))
        if not self.is_test:
            self._check_targets_vary()
        if self.weights is not None:
            wrong = self.weights[~((self.weights > 0) & (self.weights <= MAX_WEIGHT))]
            if len(wrong):
                raise _wrong_cells(
                    f"{self.source}: a row has ",
                    f"weight {wrong[0]}",
                    "another weight",
                    f"; expected weights above 0 and up to {MAX_WEIGHT:.0e}",
                )

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the features."""
        return tuple(column.name for column in self.columns)

    @property
    def is_plain(self) -> bool:
        """Return whether all features are numbers without gaps."""
        return all(column.kind == "number" and not column.has_gaps for column in self.columns)

    @property
    def rows(self) -> Rows:
        """Return all rows."""
        return Rows(self.X, self.Y, self.weights)

    @property
    def constant_features(self) -> tuple[str, ...]:
        """Return the features with one value in all rows, which carry no information."""
        return tuple(
            name for name, flag in zip(self.features, _constant(self.X), strict=True) if flag
        )

    def fingerprint(self) -> str:
        """Return the SHA-256 of the columns and numbers, in order; computed once."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(repr((self.features, self.targets)).encode())
        described = [column.as_json() for column in self.columns if column != Column(column.name)]
        digest.update(json.dumps(described).encode() if described else b"")
        for array in (self.X, self.Y, *([] if self.weights is None else [self.weights])):
            digest.update(np.ascontiguousarray(array).reshape(-1).data)  # without a copy
        return digest.hexdigest()

    def _check_targets_vary(self) -> None:
        for name, constant in zip(self.targets, _constant(self.Y), strict=True):
            if constant:
                value = self.Y[0, self.targets.index(name)]
                raise _wrong_cells(
                    f"{self.source}: target {name!r} is ",
                    f"{value} in every row",
                    "the same in every row",
                    "; expected at least two different values",
                )
        for name, size in zip(self.targets, np.ptp(self.Y, axis=0).tolist(), strict=True):
            if size < MIN_RANGE:
                raise DataError(
                    f"{self.source}: target {name!r} varies by {size:.3g} only; expected at least "
                    f"{MIN_RANGE:.0e}, so that errors can be squared: use a smaller unit"
                )

    def _check_magnitudes(
        self, names: tuple[str, ...], columns: Array, gaps: NDArray[np.bool_]
    ) -> None:
        for block in _blocks(columns):
            wrong = ~(np.abs(block) <= MAX_MAGNITUDE)
            if gaps.any():
                wrong &= ~(np.isnan(block) & gaps)
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                raise _wrong_cells(
                    f"{self.source}: column {names[column]!r} holds ",
                    f"{block[row, column]}",
                    "other numbers",
                    f"; expected numbers within ±{MAX_MAGNITUDE:.0e}",
                )


def _wrong_cells(place: str, found: str, in_general: str, expected: str) -> DataError:
    """Return an error, whose message names what was found for an administrator alone."""
    return DataError(f"{place}{found}{expected}", without_cells=f"{place}{in_general}{expected}")


def _blocks(columns: Array) -> Iterator[Array]:
    """Yield all rows in blocks of about `CELLS_AT_A_TIME` cells."""
    rows = max(1, CELLS_AT_A_TIME // columns.shape[1])
    for start in range(0, len(columns), rows):
        yield columns[start : start + rows]


def _constant(columns: Array) -> list[bool]:
    constant = np.ones(columns.shape[1], np.bool_)
    for block in _blocks(columns):
        constant &= (block == columns[0]).all(axis=0)
        if not constant.any():
            break
    return [bool(flag) for flag in constant]


def _check_names(features: tuple[str, ...], targets: tuple[str, ...]) -> None:
    if not features:
        raise DataError("there are no features: expected at least one column besides the target")
    if not targets:
        raise DataError("there are no targets: expected at least one column to predict")
    names = Counter(features + targets)
    for name, count in names.items():
        if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
            problem = (
                f"not a valid column name: expected 1 to {MAX_NAME_LENGTH} printable characters"
            )
            raise DataError(f"{name[:40]!r} is {problem}", without_cells=f"there is {problem}")
        if count > 1:
            raise DataError(f"column {name!r} is listed twice")


def check_row_count(count: int, source: str, *, is_test: bool = False) -> None:
    """Refuse a table with too few rows to train on, or without any to test on.

    Raises
    ------
    DataError
    """
    if is_test and not count:
        raise DataError(f"{source} has no rows to test on")
    if count < MIN_ROWS and not is_test:
        rows = "1 row" if count == 1 else f"{count} rows"
        raise DataError(f"{source} has {rows}; a training needs at least {MIN_ROWS}")
