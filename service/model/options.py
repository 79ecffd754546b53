"""The options of `POST /predict`: query parameters that ask for more than the predictions."""

import re
from dataclasses import dataclass
from functools import lru_cache

from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from network import LevelError
from service.model.loaded_version import LoadedVersion
from service.model.prediction_interval import Interval, Level
from service.web.errors import NoIntervals
from service.web.field_errors import number_or_text, shown

INTERVAL, EXPLAIN, VERSION = "interval", "explain", "version"
_LEVEL = re.compile(rb"0?\.[0-9]{1,9}")


@dataclass(frozen=True)
class Options:
    """The options of one request.

    Attributes
    ----------
    interval : to be included
    explain : whether explanations are to be included
    """

    interval: Interval | None = None
    explain: bool = False


NONE = Options()


def from_query(version: LoadedVersion, parameters: MultiDict[str, str]) -> Options:
    """Return the options that query parameters ask for.

    Parameters
    ----------
    version : the current one, or the one that `VERSION` asks for

    Raises
    ------
    InvalidInput
        a value is wrong, a level is too high for this version, or a parameter is unknown or given
        twice.
    NoIntervals
        this version has no calibration.
    """
    if not parameters:
        return NONE
    refusals = version.reader.refusals
    check_names(version, parameters, INTERVAL, EXPLAIN, VERSION)
    explain = parameters.get(EXPLAIN, "false")
    if explain not in ("true", "false"):
        raise refusals.wrong_parameter(EXPLAIN, f"must be true or false, got {shown(explain)}")
    return Options(interval(version, parameters, INTERVAL), explain == "true")


def check_names(version: LoadedVersion, parameters: MultiDict[str, str], *expected: str) -> None:
    """Refuse query parameters with other names, and those that are given twice.

    Raises
    ------
    InvalidInput
    """
    refusals = version.reader.refusals
    if unknown := [name for name in parameters if name not in expected]:
        raise refusals.unknown_parameters(unknown)
    for name in parameters:
        if len(parameters.getlist(name)) > 1:
            raise refusals.wrong_parameter(name, "must be given once")


def interval(version: LoadedVersion, parameters: MultiDict[str, str], name: str) -> Interval | None:
    """Return the interval whose level a query parameter gives; None if it is not given.

    Raises
    ------
    InvalidInput
        the level is wrong, or too high for this version.
    NoIntervals
        this version has no calibration.
    """
    text = parameters.get(name)
    return None if text is None else _interval(version, name, text)


def from_plain_query(version: LoadedVersion, query: bytes) -> Options | None:
    """Return the options of a query that is obviously valid; None if `from_query` has to decide."""
    if not query:
        return NONE
    if (plain := _plain(query)) is None:
        return None
    level, explain = plain
    if level is None:
        return Options(explain=explain)
    if version.calibration is None or not 0.0 < level <= version.calibration.highest_level:
        return None
    return Options(Interval.of_level(version.calibration, level), explain)


@lru_cache(64)
def _plain(query: bytes) -> tuple[float | None, bool] | None:
    """Return the level and whether to explain; None if the query might be wrong."""
    named = [part.partition(b"=") for part in query.split(b"&")]
    values = {name: value for name, _, value in named}
    level, explain = values.pop(b"interval", None), values.pop(b"explain", None)
    if values or len(named) > (level is not None) + (explain is not None):
        return None
    if explain not in (None, b"true") or (level is not None and not _LEVEL.fullmatch(level)):
        return None
    return None if level is None else float(level), explain is not None


def _interval(version: LoadedVersion, name: str, text: str) -> Interval:
    refusals = version.reader.refusals
    try:
        level = Level().deserialize(number_or_text(text))
    except ValidationError as error:
        raise refusals.wrong_parameter(name, error.messages[0]) from None
    if version.calibration is None:
        raise NoIntervals(
            f"version {version.number} was published without residual scores, which intervals "
            "need; train a new version"
        )
    try:
        return Interval.of_level(version.calibration, level)
    except LevelError as error:
        detail = f"is too high for version {version.number}: {error}"
        raise refusals.wrong_parameter(name, detail) from None
