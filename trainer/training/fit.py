"""The training loop: stopping, the best weights and checkpoints, for every solver."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Self

from network import Array
from trainer.solvers import Iteration, Solver, State
from trainer.training.epoch import Epoch
from trainer.training.watchdog import Halt, Stopped, Watchdog


@dataclass(frozen=True)
class Limits:
    """When to stop, besides the time limit, which the watchdog enforces.

    Attributes
    ----------
    epochs : iterations of the solver; for mini-batches passes over the training rows
    patience : epochs without a better validation loss
    tolerance : relative increase of the validation loss that is accepted for the first regularised
        θ, because a validation loss is not known more precisely: "one standard error", Breiman et
        al. 1984
    """

    epochs: int
    patience: int
    tolerance: float = 0.0


@dataclass(frozen=True, eq=False)
class Fit:
    """The result of a fit.

    Attributes
    ----------
    theta : (P,) float64, the best weights
    best_epoch : the epoch of θ; 0 if none was better than the start
    """

    theta: Array
    best_epoch: int
    stopped: Stopped
    history: list[Epoch]

    def as_state(self) -> State:
        """Return everything, for a checkpoint."""
        return {**vars(self), "history": [asdict(each) for each in self.history]}

    @classmethod
    def of_state(cls, state: State) -> Self:
        """Return the fit of a state that `as_state` returned."""
        history = [Epoch(**each) for each in state["history"]]
        return cls(**state | {"history": history, "stopped": Stopped(state["stopped"])})


def fit(
    solver: Solver,
    validate: Callable[[Array], float],
    limits: Limits,
    watchdog: Watchdog,
    *,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    keep: Callable[[Array], None] = lambda theta: None,
    suffices: Callable[[Array], bool] = lambda theta: False,
    should_switch: Callable[[Iteration, float], bool] = lambda iteration, loss: False,
    save_if_due: Callable[[Callable[[], State]], None] = lambda state: None,
    save: Callable[[Callable[[], State]], object] = lambda state: None,
    resume: State | None = None,
) -> Fit:
    """Iterate until a limit is reached, and return the weights with the lowest validation loss.

    Parameters
    ----------
    validate : returns the loss of θ on the validation rows
    watchdog : whose `poll` the solver's objective calls
    watch : called with every epoch
    keep : called with every θ that is the best so far, the start included
    suffices : returns whether the best θ is good enough to stop; not called with the start
    should_switch : returns whether to stop because another method is to be tried; called with every
        iteration and the best validation loss
    save_if_due : called after every epoch, with a function that returns the state
    save : called likewise when the training is stopped between two iterations
    resume : a saved state, to continue from with the same bits
    """
    progress = _resumed(resume, solver, watchdog) if resume else _begun(solver, validate)
    keep(progress.theta)
    if progress.best_epoch and suffices(progress.theta):  # resumed, with a larger target error
        return progress.result(Stopped.TARGET)
    loop = _Loop(solver, validate, limits, watchdog, progress, keep, suffices, should_switch)
    return progress.result(loop.run(watch, save_if_due, save))


@dataclass
class _Progress:
    """The state of a fit, without that of the solver.

    Attributes
    ----------
    theta : (P,) float64, the best so far
    best_loss : of θ on the validation rows
    bar : the loss that another θ must be below to replace it
    regularised : whether the solver has returned regularised θ
    best_epoch : the epoch of θ; 0 for the start
    settled_after : the last tentative epoch, from which patience counts
    """

    theta: Array
    best_loss: float
    bar: float
    regularised: bool = False
    best_epoch: int = 0
    settled_after: int = 0
    history: list[Epoch] = field(default_factory=list)

    def result(self, stopped: Stopped) -> Fit:
        return Fit(self.theta, self.best_epoch, stopped, self.history)


@dataclass
class _Loop:
    solver: Solver
    validate: Callable[[Array], float]
    limits: Limits
    watchdog: Watchdog
    progress: _Progress
    keep: Callable[[Array], None]
    suffices: Callable[[Array], bool]
    should_switch: Callable[[Iteration, float], bool]

    def run(
        self,
        watch: Callable[[Epoch], None],
        save_if_due: Callable[[Callable[[], State]], None],
        save: Callable[[Callable[[], State]], object],
    ) -> Stopped:
        """Iterate, and return why it stopped."""
        history = self.progress.history
        while len(history) < self.limits.epochs:
            try:
                self.watchdog.begin()
            except Halt as halt:
                save(self._state)
                return halt.reason
            try:
                iteration = self.solver.iterate()
            except Halt as halt:
                self._judge(self.validate(self.solver.theta))  # of the completed mini-batches
                return halt.reason
            loss = self.validate(self.solver.theta)
            if not (math.isfinite(loss) and math.isfinite(iteration.loss)):
                return Stopped.DIVERGED
            self._record(iteration, loss)
            watch(history[-1])
            if stopped := self._reason_to_stop(iteration):
                return stopped
            save_if_due(self._state)
        return Stopped.EPOCHS

    def _record(self, iteration: Iteration, loss: float) -> None:
        progress = self.progress
        if iteration.regularised and not progress.regularised:
            progress.regularised = True
            progress.bar *= 1.0 + self.limits.tolerance
        self._judge(loss)
        progress.history.append(
            Epoch(
                epoch=len(progress.history) + 1,
                epochs=self.limits.epochs,
                seconds=self.watchdog.elapsed,
                step=iteration.step,
                train_loss=iteration.loss,
                validation_loss=loss,
                best_loss=progress.best_loss,
            )
        )

    def _judge(self, loss: float) -> None:
        """Replace the best θ by the solver's if its validation loss is low enough."""
        progress = self.progress
        if loss < progress.bar:
            progress.theta = self.solver.theta.copy()
            progress.best_epoch = len(progress.history) + 1
            progress.best_loss = progress.bar = loss
            self.keep(progress.theta)

    def _reason_to_stop(self, iteration: Iteration) -> Stopped | None:
        progress, epochs = self.progress, len(self.progress.history)
        if progress.best_epoch == epochs and self.suffices(progress.theta):
            return Stopped.TARGET
        if self.should_switch(iteration, progress.best_loss):
            return Stopped.STALLED
        if iteration.tentative:
            progress.settled_after = epochs
        waited = epochs - max(progress.best_epoch, progress.settled_after)
        if iteration.converged and epochs < self.limits.epochs:
            return Stopped.CONVERGED
        return Stopped.PATIENCE if waited >= self.limits.patience else None

    def _state(self) -> State:
        return {
            **vars(self.progress),
            "history": [asdict(each) for each in self.progress.history],
            "solver": self.solver.state(),
            "seconds": self.watchdog.elapsed,
        }


def _begun(solver: Solver, validate: Callable[[Array], float]) -> _Progress:
    loss = validate(solver.theta)
    return _Progress(solver.theta.copy(), loss, loss)


def _resumed(state: State, solver: Solver, watchdog: Watchdog) -> _Progress:
    """Restore the solver and the watchdog from a state, and return its progress."""
    solver.restore(state["solver"])
    watchdog.resume(state["seconds"])
    progress = _Progress(**{each.name: state[each.name] for each in fields(_Progress)})
    progress.history = [Epoch(**each) for each in state["history"]]
    return progress
