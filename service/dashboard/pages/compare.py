"""Two versions side by side."""

from collections.abc import Sequence
from typing import Any

from flask import request

from export.report.evaluation import Evaluation
from service.dashboard.asked_model import asked_model
from service.dashboard.blueprint import page
from service.dashboard.pages.version import evaluated
from service.dashboard.versions.facts import details_of, facts_of
from service.model.served_model import ServedModel
from service.model.version_cache import parse_version

_NUMBER = {"type": "string", "description": "the number of a version"}


@page("/versions/compare", "compare.html", query={"a": _NUMBER, "b": _NUMBER})
def compare() -> dict[str, Any]:
    """Compare two versions, `a` and `b`: their errors, data and training, and their evaluations."""
    model = asked_model()
    known = model.registry.versions()
    numbers = _asked(model, known)
    found = [evaluated(model, number) for number in numbers]
    sides = [
        {**facts_of(number, card), "details": details_of(card)}
        for number, (card, _) in zip(numbers, found, strict=True)
    ]
    return {
        "model": model.name,
        "sides": sides,
        "known": [str(number) for number in reversed(known)],
        "same_rows": _same_rows(sides, [evaluation for _, evaluation in found]),
        "evaluations": {
            f"version {number}": evaluation
            for number, (_, evaluation) in zip(numbers, found, strict=True)
        },
    }


def _asked(model: ServedModel, numbers: Sequence[int]) -> tuple[int, int]:
    """Return the versions in the query, by default the current one and the newest other one.

    Raises
    ------
    VersionNotFound
    """
    loaded = model.current_version.current()
    a, b = request.args.get("a"), request.args.get("b")
    first = parse_version(a) if a else int(loaded.number) if loaded else max(numbers, default=0)
    others = [number for number in numbers if number != first]
    return first, parse_version(b) if b else max(others, default=first)


def _same_rows(sides: list[dict[str, Any]], evaluations: Sequence[Evaluation]) -> bool:
    """Return whether the errors are of the same rows, so that they can be compared.

    They are if the tables are the same. If versions use different columns of a table, they are if
    the positions and the actual values of the held-out rows are the same.
    """
    prints, judged = (
        [each[key] for each in group]
        for group, key in (([each["details"] for each in sides], "fingerprint"), (sides, "quality"))
    )
    if (judged[0] and judged[0]["rows"]) != (judged[1] and judged[1]["rows"]):
        return False
    if prints[0] == prints[1] and prints[0] is not None:
        return True
    one, other = evaluations
    shared = one.pairs.keys() & other.pairs.keys()
    return (
        bool(shared and one.rows)
        and sorted(one.rows) == sorted(other.rows)
        and all(_actual(one, target) == _actual(other, target) for target in shared)
    )


def _actual(evaluation: Evaluation, target: str) -> list[tuple[int, float]]:
    """Return the actual values of a target, by the positions of their rows."""
    return sorted(zip(evaluation.rows, evaluation.pairs[target].actual, strict=False))
