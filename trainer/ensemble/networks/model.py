"""A model of an ensemble during training: its members, and when they stop together."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from trainer.ensemble.networks.group import EpochLosses, Group
from trainer.ensemble.trained import Losses


@dataclass
class Model:
    """All members of a model, in groups.

    Attributes
    ----------
    history : the losses of every epoch
    best_loss, best_epoch : the least mean of the held-out losses, and its epoch, from 1; 0 if none
        was finite
    """

    groups: list[Group]
    history: list[Losses] = field(default_factory=list)
    best_loss: float = math.inf
    best_epoch: int = 0

    def record(self, losses: Sequence[EpochLosses]) -> None:
        """Record the losses of all groups; keep the weights if the mean is the least so far."""
        held_out = [loss for each in losses for loss in each.held_out]
        mean = float(np.mean(held_out)) if held_out else math.nan
        self.history.append(Losses(float(np.mean([each.train for each in losses])), mean))
        if mean < self.best_loss:
            self.best_loss, self.best_epoch = mean, len(self.history)
            for group in self.groups:
                group.keep()

    def improves(self, patience: int) -> bool:
        """Return whether the last improvement is recent and all losses are finite."""
        finite = not self.history or math.isfinite(self.history[-1].held_out)
        return finite and len(self.history) - self.best_epoch < patience

    def state(self) -> dict[str, Any]:
        """Return everything that a new instance needs to continue with identical bits."""
        return {
            "history": [asdict(each) for each in self.history],
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "groups": [group.state() for group in self.groups],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` returned."""
        self.history = [Losses(**each) for each in state["history"]]
        self.best_loss, self.best_epoch = state["best_loss"], state["best_epoch"]
        for group, each in zip(self.groups, state["groups"], strict=True):
            group.restore(each)
