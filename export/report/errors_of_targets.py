"""The errors of a version's predictions for each target, beside those of simpler models."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.numbers import parse_number
from export.report.evaluation import Evaluation, Pairs
from network.rows import Z_95
from registry import Card, card_object

LEVEL = "0.9"  # of the intervals whose half width is reported


@dataclass(frozen=True)
class Errors:
    """The errors of one model for one target; None for what is unknown."""

    rmse: float | None
    mae: float | None = None
    r2: float | None = None


@dataclass(frozen=True)
class TargetErrors:
    """The errors for one target.

    Attributes
    ----------
    own : of the version
    rmse_95 : the ends of the 95 % confidence interval of its RMSE
    simpler : of simpler models on the same rows, by their names
    half_width : of its intervals of level 90 %, the mean over rows
    within : the share of rows in its intervals of level 90 %
    """

    target: str
    unit: str
    own: Errors
    rmse_95: tuple[float, float] | None
    simpler: Mapping[str, Errors]
    half_width: float | None
    within: float | None

    def times_smaller(self, name: str) -> float | None:
        """Return the RMSE of a simpler model relative to the version's own."""
        other = self.simpler.get(name, Errors(None)).rmse
        if other is None or not self.own.rmse:
            return None
        return other / self.own.rmse


def errors_of_targets(card: Card, evaluation: Evaluation) -> list[TargetErrors]:
    """Return the errors for every target."""
    return [_errors_of(card, evaluation, target) for target in card["targets"]]


def _errors_of(card: Card, evaluation: Evaluation, target: str) -> TargetErrors:
    metrics = evaluation.metrics
    own = _errors(metrics, target)
    simpler = {
        name: _errors(card_object(metrics, "baselines", name), target)
        for name in ("linear", "mean")
        if card_object(metrics, "baselines", name)
    }
    if "mean" not in simpler and own.rmse is not None and own.r2 is not None and own.r2 < 1.0:
        simpler["mean"] = Errors(own.rmse / math.sqrt(1.0 - own.r2), r2=0.0)
    widths = card_object(card, "metrics", "calibration", "half_widths", LEVEL)
    return TargetErrors(
        target,
        unit_of(card, target),
        own,
        _confidence(card, evaluation, target),
        simpler,
        finite(widths.get(target)),
        _within(evaluation, target),
    )


def interval_widths(
    card: Card, evaluation: Evaluation, target: str
) -> list[tuple[float, float, float | None]]:
    """Return level, half width and the share of rows within, of a few levels of intervals."""
    widths = card_object(card, "metrics", "calibration", "half_widths")
    coverage = evaluation.coverage.get(target)
    shares = dict(zip(coverage.levels, coverage.shares, strict=True)) if coverage else {}
    found = []
    for level in widths:
        half_width = finite(card_object(widths, level).get(target))
        number = parse_number(level)
        if number is not None and half_width is not None:
            found.append((number, half_width, shares.get(number)))
    return found


def unit_of(card: Card, target: str) -> str:
    """Return the unit of a target; empty if there is none."""
    described = card_object(card, "data", "reading").get("targets")
    for each in described if isinstance(described, list) else []:
        if isinstance(each, dict) and each.get("name") == target:
            unit = each.get("unit", "")
            return unit.strip() if isinstance(unit, str) else ""
    return ""


def finite(value: Any) -> float | None:
    """Return a finite number; None for any other value."""
    if type(value) not in (int, float) or not math.isfinite(value):
        return None
    return float(value)


def _errors(metrics: dict[str, Any], target: str) -> Errors:
    of = card_object(metrics, "targets", target) if "targets" in metrics else metrics
    return Errors(finite(of.get("rmse")), finite(of.get("mae")), finite(of.get("r2")))


def _confidence(card: Card, evaluation: Evaluation, target: str) -> tuple[float, float] | None:
    """Return the card's confidence interval; otherwise that of the rows, if all are known."""
    known = evaluation.metrics.get("rmse_95")
    if len(card["targets"]) == 1 and isinstance(known, list) and len(known) == 2:
        least, most = map(finite, known)
        if least is not None and most is not None:
            return least, most
    pairs = evaluation.pairs.get(target)
    if pairs is None or card_object(card, "data").get("weights") is not None:
        return None
    return _of_rows(pairs) if len(pairs.actual) == evaluation.judged_rows else None


def _of_rows(pairs: Pairs) -> tuple[float, float] | None:
    n = len(pairs.actual)
    size = max(map(abs, pairs.residuals), default=0.0) or 1.0  # so that no square overflows
    squares = [(residual / size) ** 2 for residual in pairs.residuals]
    if n < 2 or not math.isfinite(size):
        return None
    mean = sum(squares) / n
    error = math.sqrt(sum((square - mean) ** 2 for square in squares) / n / n)
    return size * math.sqrt(max(mean - Z_95 * error, 0.0)), size * math.sqrt(mean + Z_95 * error)


def _within(evaluation: Evaluation, target: str) -> float | None:
    coverage = evaluation.coverage.get(target)
    if coverage is None:
        return None
    return dict(zip(coverage.levels, coverage.shares, strict=True)).get(float(LEVEL))
