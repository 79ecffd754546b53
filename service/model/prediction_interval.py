"""Intervals around predictions that hold the truth with the probability asked for."""

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
    """The same width around every prediction for a target.

    Attributes
    ----------
    level : the probability that an interval holds the truth, at least
    half_widths : (targets,) float64
    """

    level: float
    half_widths: Array

    def lower(self, Y: Array) -> Array:
        """The lower ends for predictions Y (…, targets)."""
        return Y - self.half_widths

    def upper(self, Y: Array) -> Array:
        """The upper ends for predictions Y (…, targets)."""
        return Y + self.half_widths

    def beside(self, Y: Array) -> Array:
        """For each target in turn the prediction and both ends: (N, 3·targets) for (N, targets)."""
        return np.stack([Y, self.lower(Y), self.upper(Y)], axis=2).reshape(len(Y), -1)

    def columns(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """The names of what `beside` makes."""
        return tuple(f"{target}{end}" for target in targets for end in ("", "_lower", "_upper"))


def asked_for(version: LoadedVersion, parameters: MultiDict[str, str]) -> Interval | None:
    """The interval that a query asks for; None where it asks for nothing.

    Raises
    ------
    InvalidInput
        a level that is none, or that this version cannot give; any other parameter.
    NoIntervals
        this version cannot give any.
    """
    if not parameters:
        return None
    reader = version.reader
    if unknown := [name for name in parameters if name != PARAMETER]:
        raise reader.unknown_parameters(unknown)
    texts = parameters.getlist(PARAMETER)
    if len(texts) > 1:
        raise reader.wrong_parameter(PARAMETER, "must be given once")
    try:
        level = Level().deserialize(number_or_text(texts[0]))
    except ValidationError as error:
        raise reader.wrong_parameter(PARAMETER, error.messages[0]) from None
    if version.calibration is None:
        raise NoIntervals(
            f"version {version.number} has no residual scores to make intervals of, as it was "
            f"published without; versions trained from now on have them"
        )
    try:
        return interval(version.calibration, level)
    except LevelError as error:
        detail = f"is too high for version {version.number}: {error}"
        raise reader.wrong_parameter(PARAMETER, detail) from None


def interval(calibration: Calibration, level: float) -> Interval:
    """The interval of a level.

    Raises
    ------
    LevelError
    """
    return Interval(level, calibration.half_widths(level))
