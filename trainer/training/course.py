"""What accompanies a training."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trainer.solvers import State
from trainer.training.checkpoint import Checkpoint
from trainer.training.epoch import Epoch
from trainer.training.watchdog import Watchdog


@dataclass(frozen=True, eq=False)
class Course:
    """What accompanies a training.

    Attributes
    ----------
    jobs : threads to train members of an ensemble on; None for one per usable processor
    checkpoint : to which the training is saved regularly
    resume : a state read from a checkpoint, to continue from with the same bits
    watch : called with every epoch
    decided : called with what the recipe left open and how it was decided
    kept : members of every saved state besides the state itself
    """

    watchdog: Watchdog
    jobs: int | None = None
    checkpoint: Checkpoint | None = None
    resume: State | None = None
    watch: Callable[[Epoch], None] = lambda epoch: None
    decided: Callable[[list[str]], None] = lambda reasons: None
    kept: dict[str, Any] = field(default_factory=dict)

    def save_if_due(self, make_state: Callable[[], State]) -> None:
        """Save a state if the last one is old enough, and if there is a checkpoint."""
        if self.checkpoint:
            self.checkpoint.save_if_due(make_state)

    def save(self, make_state: Callable[[], State]) -> None:
        """Save a state now, if there is a checkpoint."""
        if self.checkpoint:
            self.checkpoint.save(make_state)
