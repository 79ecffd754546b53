"""How good a version is, from its card and its held-out rows, as numbers to draw or to print."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from config.numbers import parse_number
from registry import Card, HeldOut, card_object

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class LossCurve:
    """The losses of a training by epoch, thinned.

    Attributes
    ----------
    name : of the members of an ensemble; empty for one network
    epochs : from 1, ascending
    train, validation : the mean losses of scaled targets; of an ensemble, the validation is of the
        rows that its members have not seen
    best_epoch : whose weights were kept; None if unknown
    """

    name: str
    epochs: tuple[int, ...]
    train: Numbers
    validation: Numbers
    best_epoch: int | None = None


@dataclass(frozen=True)
class Pairs:
    """Actual and predicted values of one target in rows that the version was not trained on."""

    actual: Numbers
    predicted: Numbers

    @property
    def residuals(self) -> Numbers:
        """Return ŷ − y."""
        return tuple(p - a for a, p in zip(self.actual, self.predicted, strict=True))


@dataclass(frozen=True)
class Coverage:
    """The share of rows within their prediction intervals, by the intervals' level."""

    levels: Numbers
    shares: Numbers


@dataclass(frozen=True)
class Evaluation:
    """How good a version is. What a version does not know is empty or None.

    Attributes
    ----------
    judged_on : "test" for rows kept apart; "out_of_fold" for training rows, each predicted by
        the members of an ensemble that have not seen it; None if unknown
    judged_rows : the number of these rows
    metrics : on these rows, as the card has them
    rows : positions of the rows of `pairs` in the table, from 0
    pairs, coverage : by target
    importance : how much the error grows if a feature is permuted, by target and feature
    """

    judged_on: str | None
    judged_rows: int | None
    metrics: dict[str, Any]
    losses: tuple[LossCurve, ...] = ()
    rows: tuple[int, ...] = ()
    pairs: Mapping[str, Pairs] = field(default_factory=dict)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    importance: Mapping[str, dict[str, float]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON document."""
        return asdict(self)


def evaluate_version(card: Card, held_out: HeldOut | None) -> Evaluation:
    """Return the evaluation of a version, which may be of an earlier release.

    Parameters
    ----------
    card : of any origin; what has another form than the trainer's is ignored
    held_out : None if the version's file has none; the card's up to 200 rows are then used
    """
    metrics = card_object(card, "metrics")
    judged_on = next((name for name in ("out_of_fold", "test") if name in metrics), None)
    of = card_object(metrics, judged_on) if judged_on else {}
    return Evaluation(
        judged_on=judged_on,
        judged_rows=_judged_rows(card, of, judged_on),
        metrics=of,
        losses=tuple(_losses(card_object(card, "training"))),
        rows=() if held_out is None else tuple(int(row) for row in held_out.rows),
        pairs=_pairs(card, held_out, judged_on),
        coverage=_coverage(card),
        importance=_importance(card),
    )


def _judged_rows(card: Card, metrics: dict[str, Any], judged_on: str | None) -> int | None:
    known = metrics.get("rows", card_object(card, "data", "rows").get(judged_on or ""))
    return known if type(known) is int else None


def _losses(training: dict[str, Any]) -> list[LossCurve]:
    """Return the curves of one network, or of each kind of an ensemble's members."""
    history = training.get("history")
    if isinstance(history, list):
        names = ("epoch", "train_loss", "validation_loss")
        return _curve("", history, names, training.get("best_epoch"))
    if not isinstance(history, dict):
        return []
    best = card_object(training, "best_epochs")
    return [
        curve
        for name, epochs in history.items()
        if isinstance(epochs, list)
        for curve in _curve(name, epochs, ("", "train", "held_out"), best.get(name))
    ]


def _curve(name: str, history: list[Any], keys: tuple[str, str, str], best: Any) -> list[LossCurve]:
    epochs = [each for each in history if isinstance(each, dict)]
    numbers = [each.get(keys[0], index) for index, each in enumerate(epochs, 1)]
    train, validation = (_finite([each.get(key) for each in epochs]) for key in keys[1:])
    if not epochs or not all(type(each) is int for each in numbers) or not train or not validation:
        return []
    return [LossCurve(name, tuple(numbers), train, validation, best if type(best) is int else None)]


def _pairs(card: Card, held_out: HeldOut | None, judged_on: str | None) -> dict[str, Pairs]:
    targets = card["targets"]
    if held_out is not None:
        arrays = zip(held_out.actual.T.tolist(), held_out.predicted.T.tolist(), strict=True)
        found = [Pairs(tuple(actual), tuple(predicted)) for actual, predicted in arrays]
        return dict(zip(targets, found, strict=True))
    pairs = {}
    for target in targets:
        of = card_object(card, f"{judged_on}_report", target)
        actual, predicted = _finite(of.get("actual")), _finite(of.get("predicted"))
        if actual and len(actual) == len(predicted):
            pairs[target] = Pairs(actual, predicted)
    return pairs


def _coverage(card: Card) -> dict[str, Coverage]:
    """Return the coverage at many levels; of earlier releases, at the few levels of their cards."""
    calibration = card_object(card, "metrics", "calibration")
    by_level = card_object(calibration, "coverage_by_level")
    found = {}
    for target in card["targets"]:
        levels = _finite(by_level.get("levels"))
        shares = _finite(card_object(by_level, "targets").get(target))
        if not levels or len(levels) != len(shares):
            levels, shares = _few_levels(calibration, target)
        if levels and len(levels) == len(shares):
            found[target] = Coverage(levels, shares)
    return found


def _few_levels(calibration: dict[str, Any], target: str) -> tuple[Numbers, Numbers]:
    few = card_object(calibration, "coverage_of_validation_rows")
    few = few or card_object(calibration, "coverage_out_of_fold")
    levels = [parse_number(level) for level in few]
    shares = [card_object(few, level).get(target) for level in few]
    return _finite(levels), _finite(shares)


def _importance(card: Card) -> dict[str, dict[str, float]]:
    increases = card_object(card, "importance", "increases")
    found = {}
    for target in card["targets"]:
        of = card_object(increases, target)
        if of and _finite(list(of.values())):
            found[target] = {name: float(value) for name, value in of.items()}
    return found


def _finite(values: Any) -> Numbers:
    """Return finite numbers; none if there is any other value."""
    if not isinstance(values, list) or not all(
        type(value) in (int, float) and math.isfinite(value) for value in values
    ):
        return ()
    return tuple(map(float, values))
