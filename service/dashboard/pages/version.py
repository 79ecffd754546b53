"""One version: how good it is, what it was trained on, its figures, and its files."""

from typing import Any

from export.formats import FORMATS
from export.report.evaluation import Evaluation, evaluate_version
from registry import Card, VersionNotFound, VersionRefused
from service.dashboard.asked_model import asked_model
from service.dashboard.blueprint import page
from service.dashboard.versions.facts import (
    CURRENT,
    NEVER,
    WAS_CURRENT,
    details_of,
    entry_of,
    facts_of,
    promotion_of,
)
from service.model.cards import without_odd_members
from service.model.served_model import ServedModel
from service.model.version_cache import parse_version

_ABOUT = {
    "npz": "numnet's own file, for NumPy",
    "onnx": "ONNX, for ONNX Runtime and many others",
    "c": "C99 without dependencies",
    "js": "JavaScript without dependencies",
    "json": "JSON that documents itself",
    "sql": "one SELECT for PostgreSQL and SQLite",
    "html": "a report with figures, in one file that opens anywhere",
}


@page("/versions/<version:version>", "version.html")
def version(version: str) -> dict[str, Any]:
    """Show a version: its errors, its training and data, and its evaluation as numbers to draw."""
    model = asked_model()
    number = parse_version(version)
    card, evaluation = evaluated(model, number)
    loaded = model.current_version.current()
    promotion = promotion_of(number, model.registry.history())
    is_current = loaded is not None and loaded.number == str(number)
    return {
        "model": model.name,
        **facts_of(number, card),
        "state": CURRENT if is_current else WAS_CURRENT if promotion else NEVER,
        "current": loaded and loaded.number,
        "promotion": promotion and entry_of(promotion),
        "details": details_of(card),
        "evaluation": evaluation,
        "files": _files(model.name, str(number)),
    }


def evaluated(model: ServedModel, number: int) -> tuple[Card, Evaluation]:
    """Return a version's card and its evaluation.

    Raises
    ------
    VersionNotFound, VersionRefused, StorageError
    """
    try:
        file = model.registry.load(number)
        card, held_out = file.card, file.held_out
    except (VersionNotFound, VersionRefused):
        loaded = model.current_version.in_memory
        if loaded is None or loaded.number != str(number):
            raise
        card, held_out = loaded.card, None  # its file was replaced or deleted
    card = without_odd_members(card)
    return card, evaluate_version(card, held_out)


def _files(model: str, version: str) -> list[dict[str, Any]]:
    """Return the files of a version that can be downloaded: path, suffix and words.

    Not every version has every export (`is_export`), which is known only when it is written.
    """
    folder = f"/models/{model}/{version}"
    paths = {
        "npz": f"{folder}/weights.npz",
        **{suffix: f"{folder}/model.{suffix}" for suffix in FORMATS},
        "html": f"{folder}/report",
    }
    return [
        {
            "path": path,
            "suffix": suffix,
            "about": _ABOUT.get(suffix, ""),
            "is_export": suffix in FORMATS,
        }
        for suffix, path in paths.items()
    ]
