"""What a report says in words: a summary to rely on, and what to beware of."""

import math
from collections.abc import Iterator

from export.report.errors_of_targets import TargetErrors, finite
from export.report.evaluation import Evaluation
from export.report.figures.numerals import numeral
from registry import Card, card_object

FEW_ROWS = 100  # to judge a version on
ALMOST_EQUAL = 1.05  # ratio of errors
_MOST_LISTED = 8
_LARGE_ERROR = 6.0  # times the RMSE


def summary(card: Card, evaluation: Evaluation, errors: list[TargetErrors]) -> list[str]:
    """Return a few sentences on how good a version is, for a reader who reads no more."""
    if evaluation.judged_on is None:
        return ["How good this version is was not recorded when it was trained."]
    about = [sentence for each in errors for sentence in _about(card, each, evaluation)]
    return [*about, _scope()]


def cautions(card: Card, evaluation: Evaluation, errors: list[TargetErrors]) -> list[str]:
    """Return what to beware of, as sentences: the trainer's warnings, and what the numbers say."""
    warnings = card.get("warnings")
    listed = warnings if isinstance(warnings, list) else []
    return [
        *(_sentence(each) for each in listed if isinstance(each, str) and each),
        *_about_rows(evaluation),
        *(sentence for each in errors for sentence in _about_target(each, evaluation)),
        *_about_training(card),
        *_about_features(evaluation),
    ]


def judged_rows(evaluation: Evaluation) -> str:
    """Return which rows a version was judged on."""
    count = evaluation.judged_rows
    rows = "rows" if count is None else "1 row" if count == 1 else f"{count:,} rows"
    if evaluation.judged_on == "out_of_fold":
        return f"{rows}, each predicted by networks that were not trained on it"
    return f"{rows} that it was not trained on"


def with_unit(value: float, unit: str) -> str:
    """Return a number with its unit."""
    return f"{numeral(value, 3)} {unit}".strip()


def _about(card: Card, errors: TargetErrors, evaluation: Evaluation) -> Iterator[str]:
    """Yield the error, what it is compared with, and how far off predictions are."""
    rmse = errors.own.rmse
    if rmse is None:
        yield f"The error of {errors.target} is unknown."
        return
    confidence = ""
    if errors.rmse_95 is not None:
        least, most = (numeral(end, 3) for end in errors.rmse_95)
        confidence = f" (95 % confidence: {least} to {most})"
    yield (
        f"Predictions of {errors.target} have a typical error (RMSE) of "
        f"{with_unit(rmse, errors.unit)}{confidence}, on {judged_rows(evaluation)}."
    )
    quantile = card_object(card, "recipe").get("quantile")
    if card_object(card, "recipe").get("loss") == "quantile" and finite(quantile) is not None:
        below = finite(evaluation.metrics.get("below"))
        found = "" if below is None else f"; {below:.1%} of them are".replace("%", " %")
        yield f"They are meant to have {quantile:.0%} of the actual values below them{found}."
        return
    yield from _compared(errors)
    if errors.half_width is not None:
        yield (
            f"For 9 rows of 10, the actual value is within about "
            f"±{with_unit(errors.half_width, errors.unit)} of the prediction."
        )


def _compared(errors: TargetErrors) -> Iterator[str]:
    mean, linear = errors.times_smaller("mean"), errors.times_smaller("linear")
    if mean is not None and mean < ALMOST_EQUAL:
        yield "That is no better than always predicting the mean: do not rely on it."
        return
    parts = []
    if mean is not None:
        parts.append(f"{numeral(mean, 2)} times smaller than if it always predicted the mean")
    if linear is not None and linear >= ALMOST_EQUAL:
        parts.append(f"{numeral(linear, 2)} times smaller than that of a linear model")
    if parts:
        yield f"That is {' and '.join(parts)}."
    if linear is not None and linear < ALMOST_EQUAL:
        better = "about as good" if linear > 1 / ALMOST_EQUAL else "better"
        yield f"A linear model is {better} on the same rows, and simpler."


def _scope() -> str:
    return (
        "All of this holds for new rows that come about as the rows of the table did. Outside the "
        "ranges below, predictions are extrapolations, and nothing here vouches for them."
    )


def _about_rows(evaluation: Evaluation) -> Iterator[str]:
    count = evaluation.judged_rows
    if count is not None and count < FEW_ROWS:
        rows = "1 row" if count == 1 else f"{count} rows"
        yield f"The version was judged on {rows} only: other rows may well give other errors."


def _about_target(errors: TargetErrors, evaluation: Evaluation) -> Iterator[str]:
    rows = evaluation.judged_rows or 0
    if errors.within is not None and rows >= FEW_ROWS:
        deviation = math.sqrt(0.9 * 0.1 / rows)
        if abs(errors.within - 0.9) > max(3.0 * deviation, 0.03):
            yield (
                f"Intervals of level 90 % of {errors.target} contain {errors.within:.0%} of the "
                f"rows: they are too {'narrow' if errors.within < 0.9 else 'wide'}."
            )
    pairs, rmse = evaluation.pairs.get(errors.target), errors.own.rmse
    if pairs is not None and rmse:
        largest = max(map(abs, pairs.residuals))
        if largest > _LARGE_ERROR * rmse:
            yield (
                f"The largest error of {errors.target} is {with_unit(largest, errors.unit)}, "
                f"{numeral(largest / rmse, 2)} times the typical one: look at that row below."
            )


def _about_training(card: Card) -> Iterator[str]:
    training = card_object(card, "training")
    epochs, best = training.get("epochs"), training.get("best_epoch")
    if (
        type(epochs) is type(best) is int
        and training.get("stopped") == "all epochs done"
        and best >= 0.98 * epochs
    ):
        yield (
            "The error was still falling at the last epoch: with more epochs it may become smaller."
        )


def _about_features(evaluation: Evaluation) -> Iterator[str]:
    if not evaluation.importance:
        return
    features = list(next(iter(evaluation.importance.values())))
    unused = [
        feature
        for feature in features
        if all(of.get(feature, 0.0) <= 0.0 for of in evaluation.importance.values())
    ]
    if unused:
        more = len(unused) - _MOST_LISTED
        names = ", ".join(unused[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
        yield f"Predictions do not become worse without the information in: {names}."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
