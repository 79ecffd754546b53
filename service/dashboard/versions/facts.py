"""What the pages say about a version, from its card and the promotion log."""

from collections.abc import Sequence
from typing import Any

from registry import Card, Promotion, card_object
from service.dashboard.versions.quality import quality_of

CURRENT, WAS_CURRENT, NEVER, REFUSED = ("in use", "was in use", "never in use", "refused")
_ROWS = {"train": "training"}
_RECIPE = (
    ("layers", "Layers"),
    ("activation", "Activation"),
    ("loss", "Loss"),
    ("penalty", "Penalty"),
    ("learning_rate", "Learning rate"),
    ("batch_size", "Batch size"),
    ("max_seconds", "Time limit in seconds"),
    ("target_mse", "Wanted error"),
    ("seed", "Seed"),
)


def facts_of(version: int, card: Card) -> dict[str, Any]:
    """Return the facts of a version in brief, for a row of a table."""
    data, training = card_object(card, "data"), card_object(card, "training")
    rows = card_object(data, "rows")
    return {
        "version": str(version),
        "created_at": card.get("created_at"),
        "targets": card["targets"],
        "features": card["features"],
        "source": data.get("source"),
        "rows": sum(n for n in rows.values() if type(n) is int),
        "solver": card_object(card, "recipe").get("solver"),
        "seconds": training.get("seconds"),
        "warnings": card.get("warnings", []),
        "quality": quality_of(card),
        "job": card.get("job"),
    }


def details_of(card: Card) -> dict[str, Any]:
    """Return the training and the data of a version, for its own page."""
    data, training = card_object(card, "data"), card_object(card, "training")
    recipe = card_object(card, "recipe")
    reading, rows = card_object(data, "reading"), card_object(data, "rows")
    return {
        "recipe": {name: recipe[key] for key, name in _RECIPE if recipe.get(key) is not None},
        "layers": card.get("layers"),
        "folds": card.get("folds"),
        "epochs": training.get("epochs"),
        "best_epoch": training.get("best_epoch"),
        "stopped": training.get("stopped"),
        "decisions": _texts(training.get("decisions")),
        "split": {_ROWS.get(name, name): n for name, n in rows.items() if type(n) is int and n},
        "format": reading.get("format"),
        "notes": _texts(reading.get("notes")),
        "weights": data.get("weights"),
        "fingerprint": data.get("fingerprint"),
        "columns": _columns(card),
        "libraries": card_object(card, "libraries"),
    }


def promotion_of(version: int, history: Sequence[Promotion]) -> Promotion | None:
    """Return the newest promotion of a version in a history, which begins with the oldest."""
    return next((each for each in reversed(history) if each.version == version), None)


def entry_of(promotion: Promotion) -> dict[str, Any]:
    """Return a promotion as pages show it."""
    return {
        "version": str(promotion.version),
        "at": promotion.at,
        "by": promotion.by,
        "reason": promotion.reason,
        "is_rollback": promotion.undoes is not None,
    }


def _columns(card: Card) -> list[dict[str, Any]]:
    """Return name, kind and values of each feature."""
    listed = card.get("columns")
    known = listed if isinstance(listed, list) else []
    by_name = {each.get("name"): each for each in known if isinstance(each, dict)}
    return [
        {
            "name": name,
            "kind": by_name.get(name, {}).get("kind", "number"),
            "values": _texts(by_name.get(name, {}).get("values")),
        }
        for name in card["features"]
    ]


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
