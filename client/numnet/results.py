"""Predictions, for one row and for many."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, overload

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Values = float | Mapping[str, float]  # an object of named numbers if there are several targets
Columns = Mapping[str, "array[float]"]  # by target; the only target of a model is named ""
_ONE = ""
_OPTIONAL = ("lower", "upper", "level", "baseline", "contributions", "sensitivities")


@dataclass(frozen=True)
class Prediction:
    """The prediction for one row. `float(prediction)` is its number.

    Attributes
    ----------
    prediction : a number, or an object of numbers by target if the model has several targets
    version : that made it
    extrapolating : features whose values are outside the range seen in training
    unfamiliar : whether the row is unlike all training rows; None if the version cannot tell
    unseen : features with a category that training had not
    lower, upper : of the prediction interval, like `prediction`; None without `interval=`
    level : the probability with which the truth is in the interval
    baseline : the prediction for an average row; None without `explain=True`
    contributions : of each feature; they add up to the difference from `baseline`
    sensitivities : the derivatives with respect to each feature; None where there is none
    """

    prediction: Values
    version: str
    extrapolating: tuple[str, ...] = ()
    unfamiliar: bool | None = None
    unseen: tuple[str, ...] = ()
    lower: Values | None = None
    upper: Values | None = None
    level: float | None = None
    baseline: Values | None = None
    contributions: Mapping[str, Any] | None = None
    sensitivities: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the prediction of a JSON object."""
        members: dict[str, Any] = {name: document.get(name) for name in _OPTIONAL}
        members |= {name: tuple(document.get(name, ())) for name in ("extrapolating", "unseen")}
        members["unfamiliar"] = document.get("unfamiliar")
        return cls(_checked(document["prediction"]), str(document["version"]), **members)

    def __float__(self) -> float:
        if isinstance(self.prediction, Mapping):
            names = ", ".join(self.prediction)
            raise TypeError(f"the prediction has several targets: {names}; use prediction[name]")
        return self.prediction

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)

    def __round__(self, digits: int | None = None) -> float:
        return round(float(self), digits)

    def __getitem__(self, target: str) -> float:
        if not isinstance(self.prediction, Mapping):
            raise TypeError("the prediction has one target: use float(prediction)")
        return self.prediction[target]


@dataclass(frozen=True, eq=False)
class Predictions(Sequence[Prediction]):
    """The predictions for many rows, all made by one version.

    It is a sequence of `Prediction`. `numpy.asarray(predictions)` is an array (N,), or (N, targets)
    if the model has several targets.

    Attributes
    ----------
    version : that made all of them
    columns : the numbers of each target; the only target of a model has the name ""
    extrapolating : pairs of a row, from 0, and a feature whose value is outside the range seen
    unfamiliar : rows that are unlike all training rows; None if the version cannot tell
    unseen : pairs of a row and a feature with a category that training had not
    lower_columns, upper_columns : of prediction intervals, like `columns`; None without them
    level : the probability with which the truth is in an interval
    baseline : the prediction for an average row; None without `explain=True`
    contributions, sensitivities : of the features in each row; None without `explain=True`
    """

    version: str
    columns: Columns
    extrapolating: Sequence[tuple[int, str]] = ()
    unfamiliar: Sequence[int] | None = None
    unseen: Sequence[tuple[int, str]] = ()
    lower_columns: Columns | None = None
    upper_columns: Columns | None = None
    level: float | None = None
    baseline: Values | None = None
    contributions: Sequence[Mapping[str, Any]] | None = None
    sensitivities: Sequence[Mapping[str, Any]] | None = None
    _marks: dict[str, Any] = field(default_factory=dict, repr=False)  # by row, made when needed

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the predictions of a JSON object."""
        members: dict[str, Any] = {name: document.get(name) for name in _OPTIONAL}
        for name in ("lower", "upper"):
            rows = members.pop(name)
            members[f"{name}_columns"] = None if rows is None else _columns(rows)
        if (unfamiliar := document.get("unfamiliar")) is not None:
            unfamiliar = tuple(map(int, unfamiliar))
        return cls(
            version=str(document["version"]),
            columns=_columns(document["predictions"]),
            extrapolating=_pairs(document.get("extrapolating", ())),
            unfamiliar=unfamiliar,
            unseen=_pairs(document.get("unseen", ())),
            **members,
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets, in the model's order; ("",) if there is one."""
        return tuple(self.columns)

    @property
    def values(self) -> "Sequence[float]":
        """The numbers of the only target, one per row.

        Raises
        ------
        TypeError
            the model has several targets.
        """
        return _only(self.columns)

    @property
    def lower(self) -> "Sequence[float] | None":
        """The lower ends of the intervals, like `values`."""
        return None if self.lower_columns is None else _only(self.lower_columns)

    @property
    def upper(self) -> "Sequence[float] | None":
        """The upper ends of the intervals, like `values`."""
        return None if self.upper_columns is None else _only(self.upper_columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> list[Prediction]: ...
    def __getitem__(self, index: int | slice) -> Prediction | list[Prediction]:
        if isinstance(index, slice):
            return [self._row(row) for row in range(*index.indices(len(self)))]
        row = range(len(self))[index]  # IndexError, and negative indices
        return self._row(row)

    def __iter__(self) -> Iterator[Prediction]:
        return map(self._row, range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self):,} predictions of version {self.version}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "NDArray[np.float64]":
        import numpy as np

        columns = [np.frombuffer(column, np.float64) for column in self.columns.values()]
        table = columns[0] if self.targets == (_ONE,) else np.column_stack(columns)
        if dtype is not None and np.dtype(dtype) != table.dtype:
            return table.astype(dtype)
        return table.copy() if copy else table

    def to_frame(self, index: Any = None) -> "pd.DataFrame":
        """Return a pandas DataFrame with a row per prediction.

        Its columns are the targets, `prediction` if there is one; `…_lower` and `…_upper` if there
        are intervals; and `extrapolating`, `unseen` and `unfamiliar`, the latter only if the
        version can tell.

        Parameters
        ----------
        index : of the frame, such as that of the rows; by default 0, 1, 2, …
        """
        import pandas as pd

        data: dict[str, Any] = {}
        for target, column in self.columns.items():
            name = target or "prediction"
            data[name] = _floats(column)
            if self.lower_columns is not None and self.upper_columns is not None:
                prefix = f"{target}_" if target else ""
                data[f"{prefix}lower"] = _floats(self.lower_columns[target])
                data[f"{prefix}upper"] = _floats(self.upper_columns[target])
        for name in ("extrapolating", "unseen"):
            named = self._named(name)
            data[name] = [";".join(named.get(row, ())) for row in range(len(self))]
        if self.unfamiliar is not None:
            rows = self._unfamiliar_rows()
            data["unfamiliar"] = [row in rows for row in range(len(self))]
        return pd.DataFrame(data, index=index)

    def _row(self, row: int) -> Prediction:
        unfamiliar = None if self.unfamiliar is None else row in self._unfamiliar_rows()
        return Prediction(
            prediction=_at(self.columns, row),
            version=self.version,
            extrapolating=tuple(self._named("extrapolating").get(row, ())),
            unfamiliar=unfamiliar,
            unseen=tuple(self._named("unseen").get(row, ())),
            lower=None if self.lower_columns is None else _at(self.lower_columns, row),
            upper=None if self.upper_columns is None else _at(self.upper_columns, row),
            level=self.level,
            baseline=self.baseline,
            contributions=None if self.contributions is None else self.contributions[row],
            sensitivities=None if self.sensitivities is None else self.sensitivities[row],
        )

    def _named(self, name: str) -> dict[int, list[str]]:
        """Return the features of `extrapolating` or `unseen` by row."""
        if name not in self._marks:
            found: dict[int, list[str]] = {}
            for row, feature in getattr(self, name):
                found.setdefault(row, []).append(feature)
            self._marks[name] = found
        marks: dict[int, list[str]] = self._marks[name]
        return marks

    def _unfamiliar_rows(self) -> frozenset[int]:
        if "unfamiliar" not in self._marks:
            self._marks["unfamiliar"] = frozenset(self.unfamiliar or ())
        rows: frozenset[int] = self._marks["unfamiliar"]
        return rows


@dataclass(frozen=True)
class CsvPredictions:
    """The predictions for a CSV table as the service writes them.

    Attributes
    ----------
    content : a header and a line for each row, in UTF-8; `docs/http.md` describes the columns
    version : that made all of them
    """

    content: bytes = field(repr=False)
    version: str


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of several requests, all of one version, as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    pairs: dict[str, Any] = {
        name: [
            (start + row, feature)
            for start, part in zip(starts, parts, strict=False)
            for row, feature in getattr(part, name)
        ]
        for name in ("extrapolating", "unseen")
    }
    tables: dict[str, Any] = {
        name: _joined_columns([getattr(part, name) for part in parts])
        for name in ("columns", "lower_columns", "upper_columns")
    }
    lists: dict[str, Any] = {
        name: [row for part in parts for row in getattr(part, name)]
        for name in ("contributions", "sensitivities")
        if getattr(first, name) is not None
    }
    unfamiliar = None
    if first.unfamiliar is not None:
        unfamiliar = [
            start + row
            for start, part in zip(starts, parts, strict=False)
            for row in part.unfamiliar or ()
        ]
    return Predictions(
        version=first.version,
        unfamiliar=unfamiliar,
        level=first.level,
        baseline=first.baseline,
        **pairs,
        **tables,
        **lists,
    )


def _joined_columns(parts: Sequence[Columns | None]) -> Columns | None:
    whole: dict[str, array[float]] = {}
    for part in parts:
        if part is None:
            return None
        for name, column in part.items():
            whole.setdefault(name, array("d")).extend(column)
    return whole


def _columns(rows: Sequence[Any]) -> Columns:
    if rows and isinstance(rows[0], Mapping):
        return {name: array("d", [row[name] for row in rows]) for name in rows[0]}
    return {_ONE: array("d", rows)}


def _pairs(entries: Sequence[Any]) -> tuple[tuple[int, str], ...]:
    return tuple((int(row), str(feature)) for row, feature in entries)


def _only(columns: Columns) -> "array[float]":
    if tuple(columns) != (_ONE,):
        raise TypeError(f"there are several targets: {', '.join(columns)}; use columns[name]")
    return columns[_ONE]


def _at(columns: Columns, row: int) -> Values:
    if tuple(columns) == (_ONE,):
        return columns[_ONE][row]
    return {name: column[row] for name, column in columns.items()}


def _floats(column: "array[float]") -> "NDArray[np.float64]":
    import numpy as np

    return np.frombuffer(column, np.float64)


def _checked(value: Any) -> Values:
    if isinstance(value, Mapping):
        return {str(name): float(number) for name, number in value.items()}
    return float(value)
