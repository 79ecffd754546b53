"""Sources of versions, among them one with names that end texts and comments in most languages."""

import numpy as np
from numpy.typing import NDArray

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
from network.encoding import EQUALS, SCALED
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


def hostile_example() -> Example:
    """Return a network whose features, categories and targets have hostile names."""
    rng = np.random.default_rng(11)
    numbers = [Column(name, unit="*/") for name in HOSTILE[:-1]]
    columns = (*numbers, Column(HOSTILE[-1], "category", HOSTILE))
    width = len(columns)
    X: Array = np.column_stack([rng.normal(size=(20, width - 1)), np.arange(20) % width])
    inputs = [(index, SCALED, 0.0, 1.0) for index in range(width - 1)]
    inputs += [(width - 1, EQUALS, float(index), 1.0) for index in range(width)]
    architecture = Architecture((len(inputs), 5, width), "tanh")
    model = Model(
        architecture,
        rng.normal(size=architecture.parameters),
        Scaling(np.zeros(len(inputs)), np.ones(len(inputs))),
        Scaling(np.zeros(width), np.ones(width)),
        columns,
        HOSTILE,
        ranges(columns, X),
        Encoding.of(width, inputs),
    )
    scores = np.sort(np.abs(rng.normal(size=(50, width))), axis=0)
    return Example(model, X, Calibration(scores))
