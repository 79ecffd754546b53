"""Sources of versions, among them one with names that end texts and comments in most languages."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.dates import days_since_1970, format_date
from export import Source
from network import (
    Architecture,
    Array,
    Calibration,
    Column,
    Encoding,
    Model,
    Scaling,
    ranges,
)
from network.encoding import EQUALS, SCALED, SINE
from tests.export.models import LEVEL, Example

HOSTILE = (
    "x*/ abort(); /*",
    "quotes \"double\" 'single' `back`",
    "new\nline\r\u2028separator",
    "</script><!-- --> ]]>",
    "??/",
    "'; DROP TABLE rows; --",
    "back\\slash\\",
    "int",
    "INT",
    "größe",
    "大きさ",
    "🙂",
    "__proto__",
    "constructor",
    "%s%n${x}",
    "\u202egnp.exe",
    "1st",
    "",
)


def source_of(example: Example, level: float | None = LEVEL, name: str = "numnet") -> Source:
    """Return the source of an example."""
    calibration = example.calibration if level is not None else None
    return Source(name, 3, example.model, {}, calibration, level)


def valid_rows(example: Example) -> NDArray[np.bool_]:
    """Return which rows have no missing cell in a column that may have none."""
    gaps = np.array([column.has_gaps for column in example.model.columns])
    valid: NDArray[np.bool_] = ~(np.isnan(example.X) & ~gaps).any(axis=1)
    return valid


def more_rows(example: Example, rows: int) -> Array:
    """Return rows whose cells are drawn from those of an example, with numbers moved at random."""
    rng = np.random.default_rng(12)
    X: Array = rng.permuted(np.resize(example.X, (rows, example.X.shape[1])), axis=0)
    for index, column in enumerate(example.model.columns):
        if column.kind == "number":
            X[:, index] *= rng.choice([-1e3, -1.0, 0.0, 0.3, 1.0, 7.0], rows)
        if not column.has_gaps:
            X[:, index] = np.nan_to_num(X[:, index])
    return X


def with_dates_in_text(example: Example) -> Example:
    """Return an example whose dates are those that their texts stand for, to the microsecond."""
    X = example.X.copy()
    for index, column in enumerate(example.model.columns):
        if column.kind == "datetime":
            present = np.flatnonzero(~np.isnan(X[:, index]))
            X[present, index] = [_rounded(days) for days in X[present, index].tolist()]
    return replace(example, X=X)


def _rounded(days: float) -> float:
    rounded = days_since_1970(format_date(days))
    assert rounded is not None
    return rounded


def json_rows(example: Example) -> list[dict[str, Any]]:
    """Return the rows of an example as objects of JSON, with missing cells as null or left out."""
    columns = {column.name: column for column in example.model.columns}
    rows = []
    for number in range(len(example.X)):
        cells = example.cells(number)
        row = {name: _json(columns[name], cell) for name, cell in cells.items()}
        if number % 2:
            row = {name: cell for name, cell in row.items() if cell is not None}
        rows.append(row)
    return rows


def _json(column: Column, cell: Any) -> Any:
    if cell is None:
        return None
    match column.kind:
        case "boolean":
            return bool(cell)
        case "datetime":
            return format_date(cell)
    return cell


def example_of_words() -> Example:
    """Return a network of a category of numbers, a boolean of words and a time of day."""
    columns = (
        Column("kind", "category", ("1", "2.50", "3")),
        Column("on", "boolean", ("Nein", "Ja")),
        Column("at", "datetime", date_format="%H:%M"),
    )
    X = np.array([[0.0, 0.0, 0.25], [1.0, 1.0, 0.5], [2.0, 0.0, 0.75]])
    inputs = [(0, EQUALS, float(index), 1.0) for index in range(3)]
    inputs += [(1, SCALED, 0.5, 0.5), (2, SINE, 0.0, 1.0)]
    return _network(columns, ("y",), X, Encoding.of(3, inputs))


def _network(
    columns: tuple[Column, ...], targets: tuple[str, ...], X: Array, encoding: Encoding
) -> Example:
    rng = np.random.default_rng(11)
    inputs, outputs = encoding.inputs, len(targets)
    architecture = Architecture((inputs, 5, outputs), "tanh")
    model = Model(
        architecture,
        rng.normal(size=architecture.parameters),
        Scaling(np.zeros(inputs), np.ones(inputs)),
        Scaling(np.zeros(outputs), np.ones(outputs)),
        columns,
        targets,
        ranges(columns, X),
        encoding,
    )
    scores = np.sort(np.abs(rng.normal(size=(50, outputs))), axis=0)
    return Example(model, X, Calibration(scores))


def hostile_example(names: Sequence[str] = HOSTILE) -> Example:
    """Return a network whose features, categories and targets have hostile names."""
    rng = np.random.default_rng(11)
    numbers = [Column(name, unit="*/") for name in names[:-1]]
    columns = (*numbers, Column(names[-1], "category", HOSTILE))
    width, values = len(columns), len(HOSTILE)
    X: Array = np.column_stack([rng.normal(size=(20, width - 1)), np.arange(20) % values])
    inputs = [(index, SCALED, 0.0, 1.0) for index in range(width - 1)]
    inputs += [(width - 1, EQUALS, float(index), 1.0) for index in range(values)]
    return _network(columns, tuple(names), X, Encoding.of(width, inputs))
