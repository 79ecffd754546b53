"""Release of a published version: judge it, and promote it or keep it back."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from network import Ensemble
from network.rows import sample
from registry import PromotionOvertaken, Registry, StorageError, Version, card_object
from trainer.data.split import TEST_FRACTION, fold_numbers, held_out_indices
from trainer.data.table import Table
from trainer.ensemble.plan import JUDGED_ROWS
from trainer.release.gate import Candidate, Verdict, judge
from trainer.training.recipe import RECIPE_OPTIONS, Recipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """How versions are released.

    Attributes
    ----------
    by : who releases, for the promotion log
    policy : the gate decides, or every version is promoted, or none
    margin : as `trainer.release.gate.judge` takes it
    keep : number of versions to keep; older ones are deleted
    """

    by: str
    policy: Literal["gate", "always", "never"] = "gate"
    margin: float = 0.0
    keep: int = 50


def release(
    registry: Registry,
    published: Version,
    table: Table,
    recipe: Recipe,
    *,
    terms: Terms,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Verdict:
    """Promote a published version if the gate approves it, and delete old versions.

    Parameters
    ----------
    published : as `Registry.publish` or `Registry.load` returns it
    table, recipe : that the version was trained on and with

    Raises
    ------
    VersionNotFound, VersionRefused, StorageError
    """
    for promotion in registry.history():
        # promoted by this release before a crash; the checksum tells the version from a deleted one
        # of the same number
        mine = promotion.by == terms.by and promotion.sha256 == published.sha256
        if mine and promotion.version == published.number:
            return Verdict(True, promotion.reason, promotion.previous)
    while True:
        latest = max(registry.promotion_numbers(), default=0)
        verdict = _verdict(registry, published, table, recipe, terms)
        if verdict.promote:
            try:
                registry.promote(
                    published.number,
                    sha256=published.sha256,
                    by=terms.by,
                    reason=verdict.reason,
                    at=now(),
                    after=latest,
                )
            except PromotionOvertaken:
                continue  # it was judged against a version that is no longer current
        _retire(registry, terms.keep)
        return verdict


def released(version: int, verdict: Verdict) -> dict[str, Any]:
    """Return the outcome of a release, as jobs and commands report it."""
    return {
        "version": version,
        "state": "promoted" if verdict.promote else "kept_back",
        "verdict": asdict(verdict),
    }


def _verdict(
    registry: Registry, published: Version, table: Table, recipe: Recipe, terms: Terms
) -> Verdict:
    if terms.policy == "never":
        return Verdict(False, "published without promotion, as requested")
    if terms.policy == "always":
        return Verdict(True, "promoted without a comparison, as requested")
    current = registry.load_serving()
    if current is None:
        warnings = published.card.get("warnings", [])
        return Verdict(True, "; ".join(["there is no version to compare it with", *warnings]))
    candidate = _candidate(published, current, table, recipe)
    return judge(candidate, current.model, current.number, terms.margin)


def _candidate(published: Version, current: Version, table: Table, recipe: Recipe) -> Candidate:
    """Return the candidate with the rows that it and the current model can be judged on.

    Rows that are held out from a network are those with the smallest hashes. Both have not seen
    the rows of the smaller test fraction. Two ensembles are judged on all rows, or enough of them.
    """
    which = sample(len(table.X), JUDGED_ROWS)
    if not (isinstance(published.model, Ensemble) and isinstance(current.model, Ensemble)):
        which = held_out_indices(table, min(map(_test_fraction, (published, current))))

    def folds(count: int, partitions: int) -> NDArray[np.integer[Any]]:
        return fold_numbers(table, count, partitions)[:, which]

    rows = table.rows[which]
    return Candidate(published.number, published.model, rows, recipe.make_loss(), folds)


def _test_fraction(version: Version) -> float:
    """Return the fraction of its rows that a version was not trained on."""
    asked = card_object(version.card, "recipe", "asked").get("test_fraction")
    if isinstance(asked, int | float) and RECIPE_OPTIONS["test_fraction"].accepts(asked):
        return float(asked)
    return TEST_FRACTION


def _retire(registry: Registry, keep: int) -> None:
    try:
        if retired := registry.retire(keep):
            log.info("deleted old versions: %s", ", ".join(map(str, retired)))
    except StorageError as error:
        log.warning("cannot delete old versions: %s", error)
