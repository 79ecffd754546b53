"""The columns of numbers in tables of predictions."""

import numpy as np

from network import Array
from service.model.prediction import Prediction
from service.model.prediction_interval import Interval

ENDS = ("", "_lower", "_upper")


class TableColumns:
    """The columns for each target: the prediction, the ends of its interval, its explanation.

    Parameters
    ----------
    interval : to be included
    """

    def __init__(self, prediction: Prediction, interval: Interval | None = None) -> None:
        self._prediction, self._interval = prediction, interval
        self.names = [
            f"{target}{suffix}"
            for target in prediction.version.model.targets
            for suffix in self._suffixes()
        ]

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        return len(self._prediction.Y), len(self.names)

    def numbers(self, rows: slice) -> Array:
        """Return the numbers of some rows: (n, columns); NaN where a slope is not defined."""
        Y = self._prediction.Y[rows]
        parts = [Y[:, :, None]]
        if self._interval is not None:
            parts = [self._interval.with_ends(self._prediction, rows)]
        if (found := self._prediction.explanation(rows)) is not None:
            baseline = np.broadcast_to(found.baseline[:, None], (*Y.shape, 1))
            parts += [baseline, found.contributions, found.sensitivities]
        return np.concatenate(parts, axis=2).reshape(len(Y), -1)

    def _suffixes(self) -> list[str]:
        suffixes = list(ENDS[: 1 if self._interval is None else 3])
        if self._prediction.explained is not None:
            features = self._prediction.version.model.features
            suffixes.append("_baseline")
            suffixes += [f"_contribution_{name}" for name in features]
            suffixes += [f"_sensitivity_{name}" for name in features]
        return suffixes
