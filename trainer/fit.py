"""The training loop, which owns stopping, the best weights and checkpoints for every solver."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import numpy as np

from network import Array
from trainer.solvers import Solver, State
from trainer.watchdog import Halt, Stopped, Watchdog


@dataclass(frozen=True)
class Limits:
    """When to stop, beside the time limit that the watchdog keeps.

    Attributes
    ----------
    epochs : iterations of the solver; for mini-batches passes over the training rows
    patience : epochs without a better validation loss; None: it is not what decides, and the last
        θ is kept, not the one that validates best
    """

    epochs: int
    patience: int | None


@dataclass(frozen=True)
class Epoch:
    """How far the training is, after each iteration of the solver.

    Attributes
    ----------
    epoch, epochs : this one, and the limit
    seconds : since the start
    step : the solver's learning rate, step length or damping
    train_loss : as `trainer.solvers.Iteration` defines it
    validation_loss, best_loss : on the validation rows, now and at its best so far
    """

    epoch: int
    epochs: int
    seconds: float
    step: float
    train_loss: float
    validation_loss: float
    best_loss: float


@dataclass
class Course:
    """What a fit has come to so far, beside its solver's own state.

    Attributes
    ----------
    theta : (P,) float64, the best; that of `best_epoch`, 0 where nothing beat the start
    """

    theta: Array
    best_loss: float
    best_epoch: int = 0
    history: list[Epoch] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Fit:
    """The outcome: the weights that are kept, and how it went.

    Attributes
    ----------
    theta : (P,) float64
    best_epoch : the one θ comes from; 0 where nothing was better than the start
    """

    theta: Array
    best_epoch: int
    stopped: Stopped
    history: list[Epoch]


def fit(
    solver: Solver,
    validate: Callable[[Array], float],
    limits: Limits,
    watchdog: Watchdog,
    *,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    save: Callable[[Callable[[], State]], None] = lambda state: None,
    resume: State | None = None,
) -> Fit:
    """Iterate until a limit is reached, keeping the weights that validate best.

    Parameters
    ----------
    validate : the loss of θ on the validation rows
    watchdog : whose `poll` the solver's objective calls
    watch : told of every epoch
    save : offered the state after every epoch, as a function that makes it
    resume : a state so saved, to go on from to the same bits
    """
    course = Course(solver.theta.copy(), validate(solver.theta))
    if resume:
        solver.restore(resume["solver"])
        watchdog.resume(resume["seconds"])
        course = Course(
            resume["theta"],
            resume["best_loss"],
            resume["best_epoch"],
            [Epoch(**each) for each in resume["history"]],
        )
    stopped = None
    while not stopped:
        if len(course.history) >= limits.epochs:
            stopped = Stopped.ITERATIONS
            break
        before = solver.theta.copy()
        try:
            watchdog.poll()
            iteration = solver.iterate()
        except Halt as halt:
            stopped = halt.reason
            if not np.array_equal(solver.theta, before):  # mini-batches got somewhere
                _judge(course, solver.theta, validate(solver.theta), limits)
            break
        loss = validate(solver.theta)
        if not (math.isfinite(loss) and math.isfinite(iteration.loss)):
            stopped = Stopped.DIVERGED
            break
        _judge(course, solver.theta, loss, limits)
        course.history.append(
            Epoch(
                epoch=len(course.history) + 1,
                epochs=limits.epochs,
                seconds=watchdog.elapsed,
                step=iteration.step,
                train_loss=iteration.loss,
                validation_loss=loss,
                best_loss=course.best_loss,
            )
        )
        watch(course.history[-1])
        waited = len(course.history) - course.best_epoch
        if iteration.converged:
            stopped = Stopped.CONVERGED
        elif limits.patience and waited >= limits.patience and not iteration.tentative:
            stopped = Stopped.PATIENCE
        else:
            save(lambda: _state(solver, course, watchdog))
    return Fit(course.theta, course.best_epoch, stopped, course.history)


def _judge(course: Course, theta: Array, loss: float, limits: Limits) -> None:
    """Keep θ where it is the best so far, or where the last one counts."""
    if loss < course.best_loss or (limits.patience is None and math.isfinite(loss)):
        np.copyto(course.theta, theta)
        course.best_loss, course.best_epoch = loss, len(course.history) + 1


def _state(solver: Solver, course: Course, watchdog: Watchdog) -> State:
    return {
        "solver": solver.state(),
        "theta": course.theta,
        "best_loss": course.best_loss,
        "best_epoch": course.best_epoch,
        "history": [asdict(each) for each in course.history],
        "seconds": watchdog.elapsed,
    }
