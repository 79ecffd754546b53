"""One retraining, from a request to a verdict, which may be taken up again after a crash."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from config import Settings
from registry import Registry, Version, VersionNotFound, VersionRefused
from trainer.data.table import Table
from trainer.errors import CheckpointError, Interrupted, TrainingFailed
from trainer.jobs.progress import JobProgress
from trainer.jobs.request import Request
from trainer.release.promotion import Terms, release, released
from trainer.solvers import State
from trainer.training.checkpoint import Checkpoint
from trainer.training.training import train, training_identity

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class Retraining:
    """A job's work.

    Attributes
    ----------
    job : its id, which the version's card will have
    progress : told how it goes
    lost : whether the job was taken away: nobody wants it any more, or another worker has it
    withdrawn : whether nobody wants it any more
    stopping : whether the process has to end, and leave the job to another one
    confirm : raises `Interrupted` where the job is cancelled or somebody else's
    """

    job: str
    request: Request
    settings: Settings
    progress: JobProgress
    lost: Callable[[], bool]
    withdrawn: Callable[[], bool]
    stopping: Callable[[], bool]
    confirm: Callable[[], None]

    def run(self) -> dict[str, Any]:
        """Train, publish and release; what came of it.

        However often it is run, one version at most is published for the job: it goes on from where
        an earlier run was killed.

        Raises
        ------
        Interrupted
            it is cancelled, or has left a checkpoint to another process.
        NetworkError, RegistryError, TrainerError
        """
        registry = Registry.local(self.settings.models)
        self._check_models(registry)
        registry.check_writable()
        self.progress.enter("reading data")
        table = self.request.read(self.settings.data, self._poll)
        self._poll()
        published = _published_for(registry, self.job) or self._train(registry, table)
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
        return {
            **released(published.number, verdict),
            "metrics": card["metrics"]["test"],
            "stopped": card["training"]["stopped"],
            "seconds": card["training"]["seconds"],
            "epochs": card["training"]["epochs"],
            "solver": card["recipe"]["solver"],
            "decisions": card["training"]["decisions"],
        }

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
            )
        except BaseException:
            if not self._has_to_end() or self.withdrawn():
                checkpoint.remove()  # nobody will go on from it
            raise
        checkpoint.remove()
        return published

    def _check_models(self, registry: Registry) -> None:
        """Make nothing in a folder that is empty as its disk is not there."""
        if self.request.current is not None and registry.serving() is None:
            raise TrainingFailed(
                f"version {self.request.current} was being served when this was asked for, and the "
                f"folder of models has no version in use any more"
            )

    def _has_to_end(self) -> bool:
        return self.lost() or self.stopping()

    def _poll(self) -> None:
        if self._has_to_end():
            raise Interrupted


def _published_for(registry: Registry, job: str) -> Version | None:
    for version in reversed(registry.versions()):
        try:
            if registry.card(version).get("job") == job:
                return registry.load(version)
        except (VersionRefused, VersionNotFound):
            continue
    return None


def _read(checkpoint: Checkpoint) -> State | None:
    try:
        return checkpoint.read()
    except CheckpointError as error:
        log.warning("the training begins anew: %s", error)
        return None
