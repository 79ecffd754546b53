"""Prediction intervals: they contain the true value with a given probability."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from network import Array, Calibration, LevelError
from service.model.loaded_version import LoadedVersion
from service.web.errors import NoIntervals
from service.web.field_errors import number_or_text
from service.web.fields import Number

PARAMETER = "interval"


class Level(Number):
    """A probability, neither 0 nor 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(below=1.0, **kwargs)


@dataclass(frozen=True, eq=False)
class Interval:
    """An interval around each prediction, of the same width for all predictions of a target.

    Attributes
    ----------
    level : the probability that an interval contains the true value, at least
    half_widths : (targets,) float64
    """

    level: float
    half_widths: Array

    @classmethod
    def of_level(cls, calibration: Calibration, level: float) -> "Interval":
        """Return the interval of a level.

        Raises
        ------
        LevelError
        """
        return cls(level, calibration.half_widths(level))

    def lower(self, Y: Array) -> Array:
        """Return the lower ends for predictions Y (…, targets)."""
        return Y - self.half_widths

    def upper(self, Y: Array) -> Array:
        """Return the upper ends for predictions Y (…, targets)."""
        return Y + self.half_widths

    def with_ends(self, Y: Array) -> Array:
        """Return, for each target in turn, the prediction and both ends: (N, 3·targets)."""
        return np.stack([Y, self.lower(Y), self.upper(Y)], axis=2).reshape(len(Y), -1)

    def columns(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of the columns of `with_ends`."""
        return tuple(f"{target}{end}" for target in targets for end in ("", "_lower", "_upper"))


def from_query(version: LoadedVersion, parameters: MultiDict[str, str]) -> Interval | None:
    """Return the interval that query parameters ask for; None if there are no parameters.

    Raises
    ------
    InvalidInput
        the level is not a probability, or is too high for this version; or a parameter is unknown.
    NoIntervals
        this version has no calibration.
    """
    if not parameters:
        return None
    refusals = version.reader.refusals
    if unknown := [name for name in parameters if name != PARAMETER]:
        raise refusals.unknown_parameters(unknown)
    texts = parameters.getlist(PARAMETER)
    if len(texts) > 1:
        raise refusals.wrong_parameter(PARAMETER, "must be given once")
    try:
        level = Level().deserialize(number_or_text(texts[0]))
    except ValidationError as error:
        raise refusals.wrong_parameter(PARAMETER, error.messages[0]) from None
    if version.calibration is None:
        raise NoIntervals(
            f"version {version.number} was published without residual scores, which intervals "
            "need; train a new version"
        )
    try:
        return Interval.of_level(version.calibration, level)
    except LevelError as error:
        detail = f"is too high for version {version.number}: {error}"
        raise refusals.wrong_parameter(PARAMETER, detail) from None
