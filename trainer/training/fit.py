"""The training loop, which owns stopping, the best weights and checkpoints for every solver."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields

from network import Array
from trainer.solvers import Solver, State
from trainer.training.watchdog import Halt, Stopped, Watchdog


@dataclass(frozen=True)
class Limits:
    """When to stop, beside the time limit that the watchdog keeps.

    Attributes
    ----------
    epochs : iterations of the solver; for mini-batches passes over the training rows
    patience : epochs without a better validation loss
    tolerance : by which fraction the first regularised θ may validate worse than the best before
        it, as a validation loss is known no better: "one standard error", Breiman et al. 1984
    """

    epochs: int
    patience: int
    tolerance: float = 0.0


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
    theta : (P,) float64, what is kept; that of `best_epoch`, 0 where nothing beat the start
    best_loss : on the validation rows, that of θ
    bar : what another θ has to stay below to be kept
    regularised : whether regularised θ have come
    settled_after : the last tentative epoch; patience begins there
    """

    theta: Array
    best_loss: float
    bar: float
    regularised: bool = False
    best_epoch: int = 0
    settled_after: int = 0
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
    keep: Callable[[Array], None] = lambda theta: None,
    suffices: Callable[[Array], bool] = lambda theta: False,
    save: Callable[[Callable[[], State]], None] = lambda state: None,
    leave: Callable[[Callable[[], State]], object] = lambda state: None,
    resume: State | None = None,
) -> Fit:
    """Iterate until a limit is reached, keeping the weights that validate best.

    Parameters
    ----------
    validate : the loss of θ on the validation rows
    watchdog : whose `poll` the solver's objective calls
    watch : told of every epoch
    keep : told of every θ that is the one to keep so far
    suffices : whether such a θ, the start apart, is good enough to end with
    save : offered the state after every epoch, as a function that makes it
    leave : given the same where the training is ended between two iterations
    resume : a state so saved, to go on from to the same bits
    """
    course = _resumed(resume, solver, watchdog) if resume else _begun(solver, validate)
    keep(course.theta)
    if course.best_epoch and suffices(course.theta):  # resumed, with a milder target
        return Fit(course.theta, course.best_epoch, Stopped.TARGET, course.history)

    def judge(loss: float) -> None:
        if loss < course.bar:
            course.theta, course.best_epoch = solver.theta.copy(), len(course.history) + 1
            course.best_loss = course.bar = loss
            keep(course.theta)

    stopped = Stopped.EPOCHS
    while len(course.history) < limits.epochs:
        try:
            watchdog.begin()
        except Halt as halt:
            stopped = halt.reason
            leave(lambda: _state(solver, course, watchdog))
            break
        try:
            iteration = solver.iterate()
        except Halt as halt:
            stopped = halt.reason
            judge(validate(solver.theta))  # mini-batches got somewhere
            break
        loss = validate(solver.theta)
        if not (math.isfinite(loss) and math.isfinite(iteration.loss)):
            stopped = Stopped.DIVERGED
            break
        if iteration.regularised and not course.regularised:
            course.regularised = True
            course.bar *= 1.0 + limits.tolerance
        judge(loss)
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
        if course.best_epoch == len(course.history) and suffices(course.theta):
            stopped = Stopped.TARGET
            break
        if iteration.tentative:
            course.settled_after = len(course.history)
        waited = len(course.history) - max(course.best_epoch, course.settled_after)
        if iteration.converged and len(course.history) < limits.epochs:
            stopped = Stopped.CONVERGED
            break
        if waited >= limits.patience:
            stopped = Stopped.PATIENCE
            break
        save(lambda: _state(solver, course, watchdog))
    return Fit(course.theta, course.best_epoch, stopped, course.history)


def _begun(solver: Solver, validate: Callable[[Array], float]) -> Course:
    loss = validate(solver.theta)
    return Course(solver.theta.copy(), loss, loss)


def _resumed(state: State, solver: Solver, watchdog: Watchdog) -> Course:
    """What `_state` was given, with the solver and the watchdog as they were then."""
    solver.restore(state["solver"])
    watchdog.resume(state["seconds"])
    course = Course(**{each.name: state[each.name] for each in fields(Course)})
    course.history = [Epoch(**each) for each in state["history"]]
    return course


def _state(solver: Solver, course: Course, watchdog: Watchdog) -> State:
    return {
        **vars(course),
        "history": [asdict(each) for each in course.history],
        "solver": solver.state(),
        "seconds": watchdog.elapsed,
    }
