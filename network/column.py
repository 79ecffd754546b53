"""A feature as its user writes it, and as one number in a row.

| kind | its number in X |
|---|---|
| `number` | itself |
| `category` | the index of its text in `values`; `UNSEEN` for any other text |
| `boolean` | 0 or 1 |
| `datetime` | days since 1970-01-01, in UTC unless the text has a time zone |

A missing cell of any kind is NaN.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array
from network.errors import InputError

UNSEEN = -1.0
DECIMAL_MARKS = (".", ",")
THOUSANDS_MARKS = ("", ",", ".", "'", " ")
MAX_FORMAT = 100  # characters of a unit or a date format
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Kind = Literal["number", "category", "boolean", "datetime"]


@dataclass(frozen=True)
class Column:
    """A feature.

    Attributes
    ----------
    values : the texts of a category, in the order of their numbers; the words for false and true of
        a boolean; otherwise empty
    has_gaps : whether cells were missing in training, so that predictions may leave it out, too
    unit : the text around each number in the training file, such as "$" or "kg"
    date_format : of the training file's cells, as `strptime` takes it; empty for ISO 8601
    decimal, thousands : the marks in the training file's numbers, one character each; `thousands`
        is empty if there are no such marks
    parentheses : whether "(5)" is −5 in the training file

    Raises
    ------
    InputError
        an unknown kind, values that repeat or do not fit the kind, unknown marks, or a unit or date
        format that is too long or has control characters.
    """

    name: str
    kind: Kind = "number"
    values: tuple[str, ...] = ()
    has_gaps: bool = False
    unit: str = ""
    date_format: str = ""
    decimal: str = "."
    thousands: str = ""
    parentheses: bool = False

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"column {self.name!r} has the unknown kind {self.kind!r}")
        for text in (self.unit, self.date_format):
            if len(text) > MAX_FORMAT or _CONTROL.search(text):
                raise InputError(
                    f"column {self.name!r} has {text[:40]!r} as its unit or date format; expected "
                    f"at most {MAX_FORMAT} characters, without control characters"
                )
        if len(set(self.values)) != len(self.values):
            raise InputError(f"the values of column {self.name!r} must be different")
        fits = {"category": len(self.values) > 0, "boolean": len(self.values) in (0, 2)}
        if not fits.get(self.kind, not self.values):
            raise InputError(
                f"column {self.name!r} is a {self.kind} with {len(self.values)} values"
            )
        if (
            self.decimal not in DECIMAL_MARKS
            or self.thousands not in THOUSANDS_MARKS
            or self.decimal == self.thousands
        ):
            marks = f"{self.decimal[:9]!r} and {self.thousands[:9]!r}"
            raise InputError(f"column {self.name!r} has the unknown marks {marks} in its numbers")

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Return the column of a document that `as_json` returned.

        Raises
        ------
        InputError
            the document has any other form.
        """
        names = {name: type(value) for name, value in asdict(cls("")).items()} | {"values": list}
        if (
            not isinstance(document, dict)
            or not {"name"} <= document.keys() <= names.keys()
            or any(type(value) is not names[name] for name, value in document.items())
            or any(type(value) is not str for value in document.get("values", []))
        ):
            raise InputError(f"{str(document)[:80]!r} does not describe a column")
        return cls(**document | {"values": tuple(document.get("values", []))})

    def as_json(self) -> dict[str, Any]:
        """Return a JSON document without the attributes that have their defaults."""
        found = {
            name: value
            for name, value in vars(self).items()
            if value != getattr(Column, name, None)
        }
        if self.values:
            found["values"] = list(self.values)
        return {"name": self.name, "kind": self.kind, **found}


def numbers(names: Sequence[str]) -> tuple[Column, ...]:
    """Return columns of plain numbers, without gaps."""
    return tuple(Column(name) for name in names)


def ranges(columns: Sequence[Column], X: Array) -> Array:
    """Return the smallest and greatest value of each column of X (N, columns): (2, columns).

    The range of a category includes `UNSEEN`, so that no text is out of range. A column without any
    number has the range 0 to 0.
    """
    with np.errstate(all="ignore"):
        least = np.fmin.reduce(X, axis=0)
        greatest = np.fmax.reduce(X, axis=0)
    found: Array = np.nan_to_num(np.vstack([least, greatest]))
    for index, column in enumerate(columns):
        if column.kind == "category":
            found[:, index] = UNSEEN, len(column.values) - 1
    return found


def extrapolation_limits(
    columns: Sequence[Column], feature_range: Array, scaled: NDArray[np.bool_]
) -> Array:
    """Return the limits (2, columns) that a prediction extrapolates beyond.

    They are infinite for a date whose trend is no input, because its seasons recur.

    Parameters
    ----------
    feature_range : (2, columns), as `ranges` returns it
    scaled : (columns,), which of them a scaled input is computed from
    """
    dates = np.array([column.kind == "datetime" for column in columns])
    return np.where(dates & ~scaled, [[-np.inf], [np.inf]], feature_range)


def outside(limits: Array, X: Array) -> NDArray[np.bool_]:
    """Return which cells of X (N, columns) are beyond limits (2, columns); no missing one is."""
    least, greatest = limits
    found: NDArray[np.bool_] = X < least  # noqa: SIM300  # X is the variable here
    found |= greatest < X
    return found


def unseen(columns: Sequence[Column], X: Array) -> NDArray[np.bool_]:
    """Return which cells of X (N, columns) are categories that training had not."""
    categories = np.array([column.kind == "category" for column in columns])
    found: NDArray[np.bool_] = (X == UNSEEN) & categories
    return found


def renumbered(X: Array, columns: Sequence[Column], others: Sequence[Column]) -> Array:
    """Return rows X (N, columns) with the numbers of other columns of the same names and kinds.

    Their categories may have other values, or the same in another order. X itself is returned if
    nothing differs.
    """
    different = [
        index
        for index, (own, other) in enumerate(zip(columns, others, strict=True))
        if own.kind == "category" and own.values != other.values
    ]
    if not different:
        return X
    X = X.copy()
    for index in different:
        own, other = columns[index].values, others[index].values
        numbers = {text: float(number) for number, text in enumerate(other)}
        # behind those of the values: the number of a missing cell, and of an unseen value
        codes = np.array([*(numbers.get(text, UNSEEN) for text in own), np.nan, UNSEEN])
        x = np.where(np.isnan(X[:, index]), len(own), X[:, index])
        X[:, index] = codes[x.astype(np.intp)]
    return X
