"""Reads the rows in requests for a model.

The schema of a row decides what is valid. Many rows are checked column by column at once; if that
finds something wrong, the schema checks row by row and names every wrong cell.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Any

import numpy as np
from marshmallow import ValidationError

from network import UNSEEN, Array, Predictor
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
        self._ranges = list(zip(model.features, *model.feature_range.tolist(), strict=True))
        self._names = frozenset(model.features)
        self.others = frozenset(others) - self._names
        self.schema = RowSchema(self.cells, self.values.removesuffix("s"), self.others)
        self._repeated = RepeatedNames(self.cells, self.others)
        self.plain_row = PlainRow(self.cells, self._repeated, only_numbers=self.only_numbers).read

    def out_of_range(self, values: list[float]) -> list[str]:
        """Return the features whose values are outside the range seen in training."""
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
            "instances" not in self._names or type(document["instances"]) is list
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
        try:
            instances = _ENVELOPE.load(document)["instances"]
        except ValidationError as error:
            raise self.refusals.invalid(list(flatten(error, ""))) from None
        return self.matrix(instances, "/instances", body)

    def matrix(self, instances: list[Any], pointer: str, body: bytes | None = None) -> Array:
        """Return the matrix (N, features) of rows that are objects or lists.

        Parameters
        ----------
        pointer : to the rows in the body
        body : of JSON, which might repeat names

        Raises
        ------
        InvalidInput
        """
        if self.only_numbers:
            X = matrix_of_numbers(instances, self.model.features, self.others)
        else:
            X = matrix_of_rows(instances, self.cells, self.others)
        if X is None:
            errors: list[Error] = []
            for index, instance in enumerate(instances):
                errors += self.schema.check(instance, f"{pointer}/{index}")[1]
                if len(errors) >= MAX_ERRORS:
                    break
            raise self.refusals.invalid(errors)
        if body is not None and (errors := self._repeated.errors(body, instances, 1)):
            raise self.refusals.invalid(errors)
        return X

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

    def array(self, X: Array) -> Array:
        """Return the matrix (N, features) of an array of the same shape; NaN is a missing cell.

        Raises
        ------
        InvalidInput
        """
        numbers, valid = X, np.isfinite(X)
        if not self.only_numbers:
            numbers, valid = matrix_of_array(X, self.cells)
        if valid.all():
            return numbers
        raise self.refusals.invalid(
            [
                {
                    "pointer": f"/instances/{row}/{column}",
                    "detail": self.cells[column].wrong(X[row, column].item()),
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
        features = self.model.features
        details = [
            f"column {shown(cell.column.name)} {cell.error_messages['required']}"
            for cell in self.cells
            if cell.required and cell.column.name not in columns
        ]
        details += [
            f"column {shown(name)} is not a feature; expected {', '.join(features)}"
            for name in dict.fromkeys(columns)
            if name not in self._names and name not in ignored
        ]
        details += [
            f"column {shown(name)} appears twice" for name in features if columns.count(name) > 1
        ]
        if details:
            raise self.refusals.invalid([{"pointer": "", "detail": detail} for detail in details])
        return [columns.index(name) if name in columns else None for name in features]
