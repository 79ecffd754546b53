"""Note in the request's context what was predicted."""

import numpy as np
from numpy.typing import NDArray

from service.telemetry.request_context import RequestContext


def note_rows(
    context: RequestContext, features: tuple[str, ...], outside: NDArray[np.bool_]
) -> None:
    """Note the number of rows, and for each feature how many values are out of range.

    Parameters
    ----------
    outside : (N, features), the values outside the range seen in training
    """
    context.rows = len(outside)
    if len(cells := np.flatnonzero(outside)):
        counts = np.bincount(cells % len(features), minlength=len(features)).tolist()
        context.out_of_range = dict(zip(features, counts, strict=True))


def note_row(context: RequestContext, outside: list[str]) -> None:
    """Note one row, and the features whose values are out of range."""
    context.rows = 1
    if outside:
        context.out_of_range = dict.fromkeys(outside, 1)
