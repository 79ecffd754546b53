"""What was decided about a training, by whom, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from export.report.figures.numerals import numeral
from registry import Card, card_object

_OF_LOSSES = {"huber_delta": "huber", "quantile": "quantile"}  # options of one loss alone


@dataclass(frozen=True)
class Option:
    """An option of the recipe, in words.

    Attributes
    ----------
    is_asked : whether the user set it; otherwise it is a default, or the trainer decided
    """

    name: str
    value: str
    is_asked: bool


def options(card: Card) -> list[Option]:
    """Return the options that had an effect on a training."""
    recipe = card_object(card, "recipe")
    asked = card_object(recipe, "asked")
    return [
        Option(name, _in_words(value), name in asked)
        for name, value in recipe.items()
        if name not in ("asked", "ensemble", "regularises")
        and value is not None
        and recipe.get("loss") == _OF_LOSSES.get(name, recipe.get("loss"))
    ]


def plan(card: Card) -> list[Option]:
    """Return the sizes of an ensemble and of its training; none for one network."""
    of = card_object(card, "recipe", "ensemble")
    return [
        Option(name, _in_words(value), is_asked=False)
        for name, value in of.items()
        if type(value) in (int, float, bool)
    ]


def reasons(card: Card) -> list[str]:
    """Return what the trainer decided and why, as sentences."""
    found = card_object(card, "training").get("decisions")
    return [each for each in (found if isinstance(found, list) else []) if isinstance(each, str)]


def course(card: Card) -> str:
    """Return how the training went, as a sentence; empty if it is unknown."""
    training = card_object(card, "training")
    return " ".join(_course(training))


def origin(card: Card) -> list[tuple[str, str]]:
    """Return what identifies a version and how to repeat its training: names and values."""
    data = card_object(card, "data")
    libraries = card_object(card, "libraries")
    found = {
        "trained": card.get("created_at"),
        "job": card.get("job"),
        "table": data.get("source"),
        "SHA-256 of the table's numbers": data.get("fingerprint"),
        "SHA-256 of data, recipe and code": card.get("identity"),
        "libraries": ", ".join(f"{name} {version}" for name, version in libraries.items()),
    }
    return [(name, value) for name, value in found.items() if isinstance(value, str) and value]


def _course(training: dict[str, Any]) -> Iterator[str]:
    epochs, best, seconds = (training.get(name) for name in ("epochs", "best_epoch", "seconds"))
    if type(epochs) is int:
        duration = f" in {numeral(seconds, 3)} s" if isinstance(seconds, int | float) else ""
        yield f"The training took {epochs:,} epochs{duration}"
    else:
        return
    stopped = training.get("stopped")
    yield f"and ended with: {stopped}." if isinstance(stopped, str) else "."
    if type(best) is int:
        yield f"The weights are those of epoch {best:,}, which had the smallest error on rows that "
        yield "were not trained on."


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u2009").replace("-", "−")
    if isinstance(value, float):
        return numeral(value, 6)
    if isinstance(value, list):
        return ", ".join(map(_in_words, value)) or "none"
    return str(value)
