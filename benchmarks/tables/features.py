"""The features of a table as the rivals take them: numbers, category codes and parts of dates."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.datasets import GAPS, Dataset, Texts

Array = NDArray[np.float64]
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Features:
    """A matrix whose missing cells are NaN, and what its columns are.

    Attributes
    ----------
    X : (N, columns) float64; a category is the index of its text among the sorted texts
    y : (N,) float64
    categories, codes : indices of columns, as in `Dataset`
    """

    X: Array
    y: Array
    categories: tuple[int, ...]
    codes: tuple[int, ...]

    @classmethod
    def of(cls, dataset: Dataset, texts: Texts) -> "Features":
        """Return the features of a table; dates become a day number, day of year and weekday."""
        columns: list[Array] = []
        categories, codes = [], []
        for name, *cells in zip(texts.header, *texts.rows, strict=True):
            if name == dataset.target:
                y = _numbers(cells)
            elif name in dataset.dates:
                columns += _date_parts(cells)
            else:
                if name in dataset.categories:
                    categories.append(len(columns))
                elif name in dataset.codes:
                    codes.append(len(columns))
                columns.append(_indices(cells) if name in dataset.categories else _numbers(cells))
        return cls(np.column_stack(columns), y, tuple(categories), tuple(codes))


def _numbers(cells: list[str]) -> Array:
    return np.array([np.nan if cell in GAPS else float(cell) for cell in cells])


def _indices(cells: list[str]) -> Array:
    index = {text: float(place) for place, text in enumerate(sorted(set(cells) - GAPS))}
    return np.array([index.get(cell, np.nan) for cell in cells])


def _date_parts(cells: list[str]) -> list[Array]:
    days = [date.fromisoformat(cell) for cell in cells]
    parts = [((day - EPOCH).days, day.timetuple().tm_yday, day.weekday()) for day in days]
    return list(np.array(parts, dtype=np.float64).T)
