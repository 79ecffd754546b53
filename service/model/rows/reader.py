"""Reads the rows in requests for a model.

The schema of a row decides what is valid. Many rows are checked column by column at once; if that
finds something wrong, the schema checks row by row and names every wrong cell.
"""

from collections.abc import Callable, Iterable, Sequence, Set
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from marshmallow import ValidationError
from numpy.typing import NDArray

from network import UNSEEN, Array, Predictor
from service.model.rows.blocks import NotInBlocks, RowBlocks, collect_blocks
from service.model.rows.cells.number import reads_plain_numbers
from service.model.rows.cells.of_model import cells_of, has_only_numbers
from service.model.rows.columns import (
    matrix_of_array,
    matrix_of_numbers,
    matrix_of_rows,
    matrix_of_texts,
)
from service.model.rows.plain_row import PlainRow
from service.model.rows.refusals import Refusals
from service.model.rows.repeated_names import RepeatedNames
from service.model.rows.schema import Envelope, RowSchema
from service.web.errors import MAX_ERRORS
from service.web.field_errors import Error, flatten, shown

_ENVELOPE = Envelope()  # costly to create
_ROWS_AT_A_TIME = 8192


class RowReader:
    """Reads the rows in the bodies of prediction requests for one model.

    Parameters
    ----------
    refuse_unseen : whether categories that training had not are refused
    others : see below

    Attributes
    ----------
    cells : of the features, in the model's order
    only_numbers : whether all features are numbers without gaps
    only_plain_texts : whether decimal numbers in text have their usual value, too
    has_categories : whether any feature is a category
    values : what cells are called in messages
    example : a valid row
    schema : of one row
    refusals : makes the exceptions for wrong requests
    others : the columns of the training table that are no features
    plain_row : reads a one-row body fast; see `PlainRow`
    """

    def __init__(
        self, model: Predictor, *, refuse_unseen: bool = False, others: Iterable[str] = ()
    ) -> None:
        self.model = model
        self.cells = cells_of(model, refuse_unseen=refuse_unseen)
        self.only_numbers = has_only_numbers(model)
        self.only_plain_texts = self.only_numbers and all(map(reads_plain_numbers, model.columns))
        self.values = "numbers" if self.only_numbers else "values"
        self.example = {cell.column.name: cell.example for cell in self.cells}
        self.refusals = Refusals(self.example)
        self.has_categories = any(each.kind == "category" for each in model.columns)
        self._ranges = list(zip(model.features, *model.extrapolation_limits.tolist(), strict=True))
        self._names = frozenset(model.features)
        self.others = frozenset(others) - self._names
        self.schema = RowSchema(self.cells, self.values.removesuffix("s"), self.others)
        self._repeated = RepeatedNames(self.cells, self.others)
        self.plain_row = PlainRow(self.cells, self._repeated, only_numbers=self.only_numbers).read

    def out_of_range(self, values: list[float]) -> list[str]:
        """Return the features whose values are beyond the limits of extrapolation."""
        return [
            name
            for (name, least, greatest), value in zip(self._ranges, values, strict=True)
            if value < least or greatest < value  # neither, if it is missing
        ]

    def unseen(self, values: list[float]) -> list[str]:
        """Return the features whose values are categories that training had not."""
        if not self.has_categories:
            return []
        return [
            cell.column.name
            for cell, value in zip(self.cells, values, strict=True)
            if value == UNSEEN and cell.column.kind == "category"
        ]

    def has_many_rows(self, document: dict[str, Any]) -> bool:
        """Return whether a body contains many rows; a feature may be called `instances`, too."""
        return "instances" in document and (
            "instances" not in self._names or type(document["instances"]) in (list, RowBlocks)
        )

    def row(self, document: Any, body: bytes) -> list[float]:
        """Return the values of a one-row body, in the model's order.

        Raises
        ------
        InvalidInput
        """
        values, errors = self.schema.check(document, "")
        errors = errors or self._repeated.errors(body, [document], 0)
        if errors:
            raise self.refusals.invalid(errors)
        return values

    def rows(self, document: dict[str, Any], body: bytes) -> Array:
        """Return the matrix (N, features) of a body with many rows, objects or lists.

        Raises
        ------
        InvalidInput
        """
        if isinstance(instances := document["instances"], RowBlocks):
            try:
                return self.matrix_of_blocks(instances, "/instances", self.matrix)
            except NotInBlocks:
                return self.rows(instances.whole(), body)
        try:
            instances = _ENVELOPE.load(document)["instances"]
        except ValidationError as error:
            raise self.refusals.invalid(list(flatten(error, ""))) from None
        return self.matrix(instances, "/instances", body)

    def matrix_of_blocks(
        self, blocks: RowBlocks, pointer: str, read: Callable[..., Array]
    ) -> Array:
        """Return the matrix (N, features) of the rows of a long body.

        Parameters
        ----------
        pointer : to the rows in the body
        read : returns the matrix of one block; takes the same as `matrix`

        Raises
        ------
        InvalidInput, NotInBlocks
        """
        return collect_blocks(
            self.refusals,
            len(self.cells),
            ((len(rows), partial(read, rows, pointer, text, colons=0)) for rows, text in blocks),
        )

    def matrix(
        self,
        instances: list[Any],
        pointer: str,
        body: bytes | None = None,
        *,
        colons: int = 1,
        first: int = 0,
    ) -> Array:
        """Return the matrix (N, features) of rows that are objects or lists.

        Parameters
        ----------
        pointer : to the rows in the body
        body : of JSON, which might repeat names
        colons : of the body outside the rows
        first : the index of the first of these rows in the body

        Raises
        ------
        InvalidInput
        """
        if self.only_numbers:
            booleans = body is None or b"u" in body or b"l" in body  # as in true and false
            features = self.model.features
            X = matrix_of_numbers(instances, features, self.others, booleans=booleans)
        else:
            X = matrix_of_rows(instances, self.cells, self.others)
        if X is None:
            errors: list[Error] = []
            for index, instance in enumerate(instances, first):
                errors += self.schema.check(instance, f"{pointer}/{index}")[1]
                if len(errors) >= MAX_ERRORS:
                    break
            raise self.refusals.invalid(errors)
        if body is not None:
            self.check_names(body, instances, colons)
        return X

    def table(self, rows: Iterable[list[Any]], pointer: str) -> Array:
        """Return the matrix (N, features) of rows that are lists, some thousand at a time.

        Raises
        ------
        InvalidInput
        """
        remaining = iter(rows)
        blocks = iter(lambda: list(islice(remaining, _ROWS_AT_A_TIME)), [])
        return collect_blocks(
            self.refusals,
            len(self.cells),
            ((len(block), partial(self.matrix, block, pointer)) for block in blocks),
        )

    def check_names(self, body: bytes, rows: list[Any], colons: int) -> None:
        """Check that no object in a body has a name twice.

        Parameters
        ----------
        rows : valid, objects or lists of cells
        colons : of the body outside the rows

        Raises
        ------
        InvalidInput
        """
        if errors := self._repeated.errors(body, rows, colons):
            raise self.refusals.invalid(errors)

    def texts(self, columns: Sequence[Sequence[str] | None], rows: int) -> Array | None:
        """Return the matrix (rows, features) of columns of texts; None if any text is wrong.

        Parameters
        ----------
        columns : of the features, in the model's order; None for a column of missing cells
        """
        return matrix_of_texts(columns, rows, self.cells)

    def errors_in_texts(self, row: dict[str, str], pointer: str) -> list[Error]:
        """Return the errors in a row of texts.

        Parameters
        ----------
        row : by feature; features that may be missing may be absent
        """
        values = {
            cell.column.name: cell.from_text(row[cell.column.name])
            for cell in self.cells
            if cell.column.name in row
        }
        return self.schema.check(values, pointer)[1]

    def array(self, X: NDArray[Any], *, first: int = 0) -> NDArray[Any]:
        """Return the matrix (N, features) of an array of the same shape; NaN is a missing cell.

        Parameters
        ----------
        X : float64; of any type of numbers if all features are numbers
        first : the index of the first row in the body

        Raises
        ------
        InvalidInput
        """
        if X.dtype.kind in "iu":  # always finite
            return X
        numbers, valid = X, np.isfinite(X)
        if not self.only_numbers:
            numbers, valid = matrix_of_array(X, self.cells)
        if valid.all():
            return numbers
        raise self.refusals.invalid(
            [
                {
                    "pointer": f"/instances/{first + row}/{column}",
                    "detail": self.cells[column].wrong(float(X[row, column])),
                }
                for row, column in np.argwhere(~valid)[:MAX_ERRORS].tolist()
            ]
        )

    def is_feature(self, name: str) -> bool:
        """Return whether a feature has this name."""
        return name in self._names

    def column_order(self, columns: list[str], ignored: Set[str] = frozenset()) -> list[int | None]:
        """Return each feature's index among a table's columns; None for one that may be absent.

        Parameters
        ----------
        ignored : names of columns that need not be features

        Raises
        ------
        InvalidInput
            a feature is missing or appears twice, or a column is not a feature.
        """
        features, places = self.model.features, dict[str, int]()
        for place, name in enumerate(columns):
            places.setdefault(name, place)
        details = [
            f"column {shown(cell.column.name)} {cell.error_messages['required']}"
            for cell in self.cells
            if cell.required and cell.column.name not in places
        ]
        unknown = (name for name in places if name not in self._names and name not in ignored)
        details += [
            f"column {shown(name)} is not a feature; expected {', '.join(features)}"
            for name in islice(unknown, MAX_ERRORS)
        ]
        if len(places) < len(columns):
            twice = (name for name in features if columns.count(name) > 1)
            details += [f"column {shown(name)} appears twice" for name in islice(twice, MAX_ERRORS)]
        if details:
            raise self.refusals.invalid([{"pointer": "", "detail": detail} for detail in details])
        return [places.get(name) for name in features]
