"""Remarks on the numbers of a table: what a user might not know about the data."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from network import Array, Column

SAMPLE_ROWS = 10_000
SAMPLE_CELLS = 1 << 20
MIN_ROWS = 20
LEAKING_CORRELATION = 0.9999
LONG_TAIL = 20.0  # times the median
_UNIX_SECONDS = (6e8, 2.2e9)  # 1989 to 2039
_DAYS = (19000101, 21001231)
_ID = re.compile(r"(?i)(?:.*[ _.-])?(?:id|key|code|no|nr|number|uuid)|.*[a-z]I[dD]")


def find_remarks(
    columns: Sequence[Column], targets: Sequence[str], X: Array, Y: Array
) -> list[str]:
    """Return what may harm a model, as sentences.

    Parameters
    ----------
    X, Y : (N, features) and (N, targets); a sample of the rows is looked at
    """
    wanted = min(SAMPLE_ROWS, max(MIN_ROWS, SAMPLE_CELLS // X.shape[1]))
    step = max(1, len(X) // wanted)
    X, Y = X[::step], Y[::step]
    if len(X) < MIN_ROWS:
        return []
    remarks: list[str] = []
    whole = ((np.floor(X) == X) | np.isnan(X)).all(axis=0)
    for index in np.flatnonzero(whole).tolist():
        if columns[index].kind == "number":
            remarks += _about_whole_numbers(columns[index].name, X[:, index], step)
    for name, y in zip(targets, Y.T, strict=True):
        remarks += _about_leaks(columns, X, name, y)
        remarks += _about_target(name, y)
    return remarks


def _about_whole_numbers(name: str, x: Array, step: int) -> Iterator[str]:
    x = x[~np.isnan(x)]
    if len(x) < MIN_ROWS:
        return
    least, greatest = x.min(), x.max()
    for unit, factor in (("seconds", 1.0), ("milliseconds", 1e3)):
        if _UNIX_SECONDS[0] * factor <= least and greatest <= _UNIX_SECONDS[1] * factor:
            first, last = (
                datetime.fromtimestamp(each / factor, UTC).date() for each in (least, greatest)
            )
            yield (
                f"column {name!r} looks like unix time in {unit}, {first} to {last}; "
                f"it is read as a number"
            )
            return
    if _DAYS[0] <= least and greatest <= _DAYS[1] and _are_days(x):
        yield f"column {name!r} looks like dates written YYYYMMDD; it is read as a number"
    elif (np.diff(x) == step).all():
        yield f"column {name!r} counts up from row to row: leave it out if it only numbers them"
    elif _ID.fullmatch(name) and len(np.unique(x)) == len(x):
        yield f"column {name!r} is different in every row: leave it out if it is an id"


def _are_days(x: Array) -> bool:
    month, day = x // 100 % 100, x % 100
    return bool(((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _about_leaks(columns: Sequence[Column], X: Array, target: str, y: Array) -> Iterator[str]:
    correlations = _correlations(X, y)
    for index in np.flatnonzero(np.abs(correlations) > LEAKING_CORRELATION).tolist():
        if columns[index].kind == "number":
            yield (
                f"column {columns[index].name!r} is nearly the same as target {target!r} "
                f"(correlation {correlations[index]:.5f}): "
                f"leave it out if it is not known before the target"
            )


def _correlations(X: Array, y: Array) -> Array:
    """Return the correlation of each column with y; 0 for a column that is constant or empty."""
    missing = np.isnan(X)
    with np.errstate(all="ignore"):  # numbers that are too large are refused later
        y = y - y.mean()
        X = np.where(missing, 0.0, X)
        X -= X.sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
        X[missing] = 0.0
        norms = np.sqrt((X**2).sum(axis=0) * (y @ y))
        correlations: Array = (y @ X) / np.where(norms > 0, norms, 1.0)
    return correlations


def _about_target(name: str, y: Array) -> Iterator[str]:
    middle, greatest = float(np.median(y)), float(y.max())
    if middle > 0 and y.min() >= 0 and greatest >= LONG_TAIL * middle:
        yield (
            f"target {name!r} has a long tail: its greatest value is {greatest / middle:.0f} times "
            f"its median, so a few rows decide the squared error"
        )
