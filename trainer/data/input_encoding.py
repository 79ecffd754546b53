"""The encoding of a table's columns as inputs of a network, fitted to training rows.

- A number: scaled to mean 0 and standard deviation 1. A missing one has the mean, and an input of
  its own says that it is missing.
- A category: one input for each value that at least `LEAST_COUNT` rows have, for the
  `MOST_VALUES` most frequent ones. All other values, unseen ones included, have none.
- A date: its trend, scaled, and its place in the year, the week and the day, as far as the dates
  cover those periods.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from network import Array, Column, Encoding
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE
from network.scaling import standard_deviation

LEAST_COUNT = 3
MOST_VALUES = 100  # of one category
SEASONS = {"year": (365.2425, 2), "week": (7.0, 3), "day": (1.0, 4)}  # days and harmonics
FULL_PERIODS = 1.0  # that the dates have to cover

Input = tuple[int, int, float, float]  # column, operation, shift and scale


def fit_encoding(columns: Sequence[Column], X: Array) -> Encoding:
    """Return the encoding of columns.

    Parameters
    ----------
    X : (N, columns) float64, training rows; NaN for missing cells
    """
    inputs: list[Input] = []
    for index, column in enumerate(columns):
        x = X[:, index]
        present = x[~np.isnan(x)]
        if column.kind == "category":
            inputs += _values(index, present)
        else:
            inputs.append((index, SCALED, *_scaling(present)))
        if column.kind == "datetime":
            inputs += _seasons(index, present)
        if len(present) < len(x):
            inputs.append((index, MISSING, 0.0, 1.0))
    if not inputs:  # of categories without a frequent value: any value is better than none
        inputs.append((0, EQUALS, 0.0, 1.0))
    return Encoding.of(len(columns), inputs).centred(X)


def _scaling(present: Array) -> tuple[float, float]:
    """Return the mean and the standard deviation; a constant column has scale 1."""
    if not len(present) or (present == present[0]).all():
        return (float(present[0]) if len(present) else 0.0), 1.0
    with np.errstate(all="ignore"):
        return float(present.mean()), standard_deviation(present) or 1.0


def _values(index: int, present: Array) -> Iterator[Input]:
    values, counts = np.unique(present[present >= 0], return_counts=True)
    frequent = values[np.argsort(-counts, kind="stable")][: (counts >= LEAST_COUNT).sum()]
    for value in np.sort(frequent[:MOST_VALUES]):
        yield index, EQUALS, float(value), 1.0


def _seasons(index: int, present: Array) -> Iterator[Input]:
    if not len(present):
        return
    span = present.max() - present.min()
    for days, harmonics in SEASONS.values():
        if span >= FULL_PERIODS * days and len(np.unique(present % days)) > 1:
            for harmonic in range(1, harmonics + 1):
                yield index, SINE, 0.0, days / harmonic
                yield index, COSINE, 0.0, days / harmonic
