"""All versions of a model in a table, its promotions, and going back to the previous version."""

import re
from typing import Any

from flask import request

from registry import Promotion, StorageError, VersionNotFound, VersionRefused
from service.dashboard.asked_model import asked_model
from service.dashboard.blueprint import page
from service.dashboard.versions.facts import (
    CURRENT,
    NEVER,
    REFUSED,
    WAS_CURRENT,
    entry_of,
    facts_of,
    promotion_of,
)
from service.model.cards import readable_card
from service.model.loaded_version import LoadedVersion
from service.model.served_model import ServedModel

LISTED = 50  # versions on a page
PROMOTIONS = 20  # newest, listed
_NUMBER = re.compile("[0-9]{1,9}")
BEFORE = "before"  # the query parameter with the number of the version before which to begin


@page("/versions", "versions.html", query={BEFORE: {"type": "string"}})
def versions() -> dict[str, Any]:
    """List a model's versions, newest first, with errors, data, solver, duration and state.

    `before` continues the list: it shows the versions with smaller numbers.
    """
    model = asked_model()
    loaded = model.current_version.current()
    history = model.registry.history()
    before = request.args.get(BEFORE, "")
    end = int(before) if _NUMBER.fullmatch(before) else None
    numbers = [n for n in reversed(model.registry.versions()) if end is None or n < end]
    rows = [_row(model, number, loaded, history) for number in numbers[:LISTED]]
    return {
        "model": model.name,
        "current": loaded and loaded.number,
        "previous": _text(model.registry.previous()),
        "versions": rows,
        "next_before": rows[-1]["version"] if len(numbers) > LISTED else None,
        "promotions": [entry_of(each) for each in reversed(history[-PROMOTIONS:])],
    }


def _row(
    model: ServedModel, number: int, loaded: LoadedVersion | None, history: list[Promotion]
) -> dict[str, Any]:
    promotion = promotion_of(number, history)
    promoted = {"promotion": promotion and entry_of(promotion)}
    try:
        card = readable_card(model.registry, number, loaded)
    except (VersionRefused, VersionNotFound, StorageError) as error:
        reason = "the file cannot be read" if isinstance(error, StorageError) else str(error)
        return {"version": str(number), "state": REFUSED, "refused": reason, **promoted}
    is_current = loaded is not None and loaded.number == str(number)
    state = CURRENT if is_current else WAS_CURRENT if promotion else NEVER
    return {**facts_of(number, card), "state": state, **promoted}


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
