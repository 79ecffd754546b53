"""The options of a training as the fields of a form."""

from typing import Any

from registry import Card, card_object
from trainer import jobs as trainer_jobs

IMPORTANT = ("max_seconds", "solver", "layers", "seed")
OF_ONE_TRAINING = (
    "max_seconds",
    "target_mse",
    "epochs",
    "patience",
)  # no retraining takes them over


def fields(card: Card) -> list[dict[str, Any]]:
    """Return a field for each option of a recipe, the important ones first.

    Parameters
    ----------
    card : of the current version, whose options a retraining has unless others are given; empty if
        there is none

    Returns
    -------
    fields : `name`, `label`, `help`; in words its `default`, and `inherited`, the current version's
        value; its `kind`, and what it accepts
    """
    names = [*IMPORTANT, *(name for name in trainer_jobs.RECIPE_OPTIONS if name not in IMPORTANT)]
    return [_field(name, trainer_jobs.RECIPE_OPTIONS[name], card) for name in names]


def _field(name: str, option: trainer_jobs.Option, card: Card) -> dict[str, Any]:
    asked = card_object(card, "recipe", "asked")
    is_inherited = name in asked and name not in OF_ONE_TRAINING
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "help": option.description,
        "is_important": name in IMPORTANT,
        "default": option.if_omitted if option.default is None else _words(option.default),
        "inherited": _words(asked[name]) if is_inherited and asked[name] is not None else None,
        **_values(option),
    }


def _values(option: trainer_jobs.Option) -> dict[str, Any]:
    match option.values:
        case trainer_jobs.Choice(names):
            return {"kind": "choice", "choices": list(names)}
        case trainer_jobs.Integer(minimum, maximum):
            return {"kind": "number", "is_whole": True, "least": minimum, "greatest": maximum}
        case trainer_jobs.Integers():
            return {"kind": "numbers", "expected": option.values.expected}
        case trainer_jobs.Number():
            return {"kind": "number", "is_whole": False, "expected": option.values.expected}
    return {"kind": "text", "expected": option.values.expected}


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
