"""The progress of a training after one epoch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One epoch: an iteration of the solver, for mini-batches a pass over the training rows.

    Attributes
    ----------
    epoch, epochs : the number of this epoch, from 1, and the limit
    seconds : since the start of the training
    step : the solver's learning rate, step length or damping
    train_loss : as `trainer.solvers.Iteration` defines it
    validation_loss, best_loss : on the validation rows, now and the lowest so far
    """

    epoch: int
    epochs: int
    seconds: float
    step: float
    train_loss: float
    validation_loss: float
    best_loss: float

    def fraction_done(self, max_seconds: float) -> float:
        """Return the completed fraction of the epochs or of the time, whichever is larger."""
        return min(1.0, max(self.epoch / self.epochs, self.seconds / max_seconds))

    def remaining_seconds(self, max_seconds: float) -> float:
        """Return the seconds left at the pace so far, if nothing stops the training earlier."""
        by_epochs = self.seconds / self.epoch * (self.epochs - self.epoch)
        return max(0.0, min(by_epochs, max_seconds - self.seconds))
