"""The work of one job, from its request to a verdict; resumes after a crash."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from config import Settings
from config.processors import available_processors
from registry import (
    Card,
    Models,
    ObjectUnreadable,
    Registry,
    Version,
    VersionNotFound,
    VersionRefused,
)
from trainer.data.table import Table
from trainer.errors import CheckpointError, Interrupted, TrainingFailed
from trainer.jobs.job import UNCHANGED
from trainer.jobs.progress import JobProgress
from trainer.jobs.request import Request
from trainer.release.gate import Verdict
from trainer.release.promotion import Terms, release, released
from trainer.release.unchanged import find_same_version, reason
from trainer.solvers import State
from trainer.training.checkpoint import Checkpoint
from trainer.training.identity import training_identity
from trainer.training.trained import main_metrics
from trainer.training.training import train

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Retraining:
    """The work of one job.

    Attributes
    ----------
    job : its id, which goes into the version's card
    newest_before : the highest version number when the job began for the first time
    lost : whether the job was cancelled or given to another trainer
    is_cancelled : whether the job was cancelled
    stopping : whether the process has to end and leave the job to the next trainer
    confirm : raises `Interrupted` if the job is lost
    """

    job: str
    request: Request
    settings: Settings
    progress: JobProgress
    newest_before: int
    lost: Callable[[], bool]
    is_cancelled: Callable[[], bool]
    stopping: Callable[[], bool]
    confirm: Callable[[], None]

    def run(self) -> dict[str, Any]:
        """Train, publish and release. Return the job's result.

        After a crash, `run` continues where the previous attempt stopped. It publishes one version
        per job, however many attempts there are.

        Raises
        ------
        Interrupted
            the job was cancelled, or has left a checkpoint to the next trainer.
        NetworkError, RegistryError, TrainerError
        """
        models = Models.local(self.settings.models, self.settings.model_name)
        registry = self.request.registry(models)
        self._check_models(registry)
        registry.check_writable()
        self.progress.enter("reading data")
        table = self.request.read(self.settings.data, self._poll)
        self._poll()
        published = self._already_published(registry)
        if not (published or self.request.force):
            same = find_same_version(registry, table, self.request.make_recipe())
            if same and same.in_use:
                return _unchanged(same.card)
            published = registry.load(same.card["version"]) if same else None
        published = published or self._train(registry, table)
        self.progress.enter("judging")
        self.confirm()
        terms = Terms(
            by=f"job {self.job}",
            policy="gate" if self.request.promote else "never",
            margin=self.settings.gate_margin,
            keep=self.settings.keep_versions,
        )
        verdict = release(registry, published, table, self.request.make_recipe(), terms=terms)
        card = published.card
        for warning in card.get("warnings", []):
            log.warning("version %s: %s", published.number, warning, extra={"job": self.job})
        return {
            **released(published.number, verdict),
            "metrics": main_metrics(card),
            "stopped": card["training"]["stopped"],
            "seconds": card["training"]["seconds"],
            "epochs": card["training"]["epochs"],
            "solver": card["recipe"]["solver"],
            "decisions": card["training"]["decisions"],
            "warnings": card.get("warnings", []),
        }

    def _already_published(self, registry: Registry) -> Version | None:
        """Return the version that an attempt before this one has published."""
        for number in registry.versions():
            if number > self.newest_before:
                with suppress(VersionRefused, VersionNotFound, ObjectUnreadable):
                    version = registry.load(number)
                    if version.card.get("job") == self.job:
                        return version
        return None

    def _train(self, registry: Registry, table: Table) -> Version:
        recipe = self.request.make_recipe()
        identity = {**training_identity(table, recipe), "job": self.job}
        checkpoint = Checkpoint(
            self.settings.state / "checkpoints", identity, CHECKPOINT_SECONDS, warn=log.warning
        )
        self.progress.train(recipe.max_seconds)
        try:
            trained = train(
                table,
                recipe,
                jobs=max(1, available_processors() // self.settings.jobs_at_once),
                checkpoint=checkpoint,
                resume=_read(checkpoint),
                watch=self.progress.watch,
                decided=self.progress.decided,
                stop=self._has_to_end,
            )
            self._poll()
            self.progress.enter("publishing")
            self._check_models(registry)
            self.confirm()
            published = registry.publish(
                trained.model,
                {**trained.card, "job": self.job},
                trained.golden_inputs,
                trained.calibration,
                held_out=trained.held_out,
            )
        except BaseException:
            if not self._has_to_end() or self.is_cancelled():
                checkpoint.remove()  # no trainer will resume from it
            raise
        checkpoint.remove()
        return published

    def _check_models(self, registry: Registry) -> None:
        """Refuse a folder without promotions if there were some: its disk may not be mounted."""
        if self.request.current is not None and not registry.promotion_numbers():
            raise TrainingFailed(
                f"version {self.request.current} was in use when the job was submitted, and now "
                f"the folder of models has no usable version"
            )

    def _has_to_end(self) -> bool:
        return self.lost() or self.stopping()

    def _poll(self) -> None:
        if self._has_to_end():
            raise Interrupted


def _unchanged(card: Card) -> dict[str, Any]:
    """Return the result of a job that need not train, because of the version with this card."""
    version = card["version"]
    return {
        "version": version,
        "state": UNCHANGED,
        "verdict": asdict(Verdict(False, reason(card), against=version)),
        "metrics": main_metrics(card),
    }


def _read(checkpoint: Checkpoint) -> State | None:
    try:
        return checkpoint.read()
    except CheckpointError as error:
        log.warning("the training starts from scratch: %s", error)
        return None
