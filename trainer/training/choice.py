"""The choice between one network and an ensemble, by their errors on rows they were not trained on.

On data without noise, the loss of a second-order solver keeps falling, and no ensemble comes near
it. So the solver is tried first. It is left for an ensemble once it stalls, or has used its share
of the time, with an error that says that the data are noisy or few. If the ensemble's error says
that they are only few, the network is trained once more, with Bayesian regularisation.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import numpy as np

from trainer.data.table import Table
from trainer.solvers import Iteration
from trainer.training.course import Course
from trainer.training.ensemble_training import OutOfFold, finish_ensemble, fit_ensemble
from trainer.training.fit import Fit
from trainer.training.network_training import finish_network, fit_network
from trainer.training.plan import Plan, make_plan
from trainer.training.problem import Problem
from trainer.training.recipe import Recipe
from trainer.training.trained import Trained
from trainer.training.watchdog import Stopped, Watchdog

NOISE_FREE = 1e-3  # of the variance; an ensemble is not tried below
LOW_NOISE = 0.05  # of the variance, out of fold; one network with regularisation is tried below
SAME_NOISE = 1.5  # ratio of errors, up to which noise and not too few rows limits one network
SHARE_OF_TIME = 0.15  # for one network, if its error is still above `NOISE_FREE` then
ENOUGH_ROWS = 20  # that neither was trained on, for one network to be preferred
STANDARD_ERRORS = 2.0  # by which one network has to be better than the ensemble
MOST_ROWS = 1_000_000  # that one network is trained on: enough for its parameters, and in memory


def train_best(
    table: Table, recipe: Recipe, course: Course, now: Callable[[], datetime]
) -> Trained:
    """Train one network, and an ensemble if the network's error says that the data are noisy.

    Raises
    ------
    TrainingFailed, RecipeError, ArchitectureError
    """
    problem, plan = _problem_and_plan(table, recipe)
    course.decided(list(plan.reasons))
    resumed = course.resume or {}
    if "network" in resumed:
        network, reasons = Fit.of_state(resumed["network"]), resumed["reasons"]
        course.watchdog.resume(resumed["seconds"])
    else:
        leave = NoiseWatch(course.watchdog, recipe.max_seconds)
        network, reasons = _fit(problem, plan, course, leave)
        if not _leaves_doubt(network):
            return finish_network(problem, plan, network, course, reasons=reasons, created_at=now())
        course = replace(course, resume=None)
    kept = {"network": network.as_state(), "reasons": reasons}
    ensemble = fit_ensemble(table, recipe, replace(course, kept=kept))
    errors = _Errors.of(problem, network, ensemble)
    if (
        plan.regularises
        and errors.rows >= ENOUGH_ROWS
        and ensemble.unexplained <= LOW_NOISE
        and errors.network > SAME_NOISE * errors.ensemble
    ):
        alone = replace(course, checkpoint=None, resume=None)
        network, reasons = _fit(problem, plan, alone)
        errors = _Errors.of(problem, network, ensemble)
    if errors.prefer_the_network:
        reasons = [*reasons, errors.sentence]
        return finish_network(problem, plan, network, course, reasons=reasons, created_at=now())
    return finish_ensemble(ensemble, [errors.sentence], course, now())


def _problem_and_plan(table: Table, recipe: Recipe) -> tuple[Problem, Plan]:
    rng = np.random.default_rng(recipe.seed).spawn(2)[0]
    problem = Problem.of(table, recipe, rng, MOST_ROWS)
    return problem, make_plan(recipe, problem.architecture, len(problem.rows.train))


def _fit(
    problem: Problem,
    plan: Plan,
    course: Course,
    should_switch: Callable[[Iteration, float], bool] | None = None,
) -> tuple[Fit, list[str]]:
    """Fit one network from the recipe's start, as `fit_network` does."""
    rng = np.random.default_rng(problem.recipe.seed).spawn(2)[1]
    network, reasons = fit_network(problem, plan, rng, course, should_switch)
    train, unseen = len(problem.rows.train), len(problem.rows.unseen_indices)
    if train + unseen < len(problem.table.X):
        reasons = [*reasons, f"one network was trained on {train} rows drawn at random"]
    return network, reasons


@dataclass
class NoiseWatch:
    """Decides when to leave a solver for an ensemble; to be called with every iteration.

    Attributes
    ----------
    max_seconds : of the whole training
    """

    watchdog: Watchdog
    max_seconds: float

    def __call__(self, iteration: Iteration, loss: float) -> bool:
        """Return whether to leave the solver.

        Parameters
        ----------
        loss : the best on the validation rows, in units of the targets' variance
        """
        if loss <= NOISE_FREE:
            return False
        return iteration.stalled or self.watchdog.elapsed > SHARE_OF_TIME * self.max_seconds


def _leaves_doubt(network: Fit) -> bool:
    """Return whether an ensemble may be better than a network whose fit has ended."""
    if network.stopped is Stopped.TIME and not network.best_epoch:
        return True
    if network.stopped in (Stopped.TIME, Stopped.INTERRUPTED, Stopped.TARGET):
        return False
    return not (network.history and network.history[-1].best_loss <= NOISE_FREE)


@dataclass(frozen=True)
class _Errors:
    """Mean losses on rows that neither trained, for scaled targets.

    These are the rows that validated the network and its test rows.

    Attributes
    ----------
    rows : the number of these rows
    network, ensemble : infinite for a network that found nothing better than its random start
    deviation : the standard error of the difference
    """

    rows: int
    network: float
    ensemble: float
    deviation: float

    @classmethod
    def of(cls, problem: Problem, network: Fit, ensemble: OutOfFold) -> Self:
        """Return the errors of a fitted network and of an ensemble's out-of-fold predictions."""
        which = problem.rows.unseen_indices
        rows = problem.table.rows[which]
        if not isinstance(ensemble.indices, slice):  # test rows are kept apart, or some are judged
            which = which[np.isin(which, ensemble.indices)]
            rows = problem.table.rows[which]
            which = np.searchsorted(ensemble.indices, which)
        loss = problem.recipe.make_loss()
        ours, theirs = (
            loss.costs(((Y_hat - rows.Y) / problem.target_scaling.scale).T).mean(axis=0)
            for Y_hat in (problem.model(network.theta).predict(rows.X), ensemble.Y_hat[which])
        )
        error = rows.mean(ours)[0] if network.best_epoch else math.inf
        return cls(len(rows), error, rows.mean(theirs)[0], rows.mean(ours - theirs)[1])

    @property
    def prefer_the_network(self) -> bool:
        """Whether the network is better beyond doubt: few rows may favour it by chance."""
        gain = self.ensemble - self.network
        return self.rows >= ENOUGH_ROWS and gain > STANDARD_ERRORS * self.deviation

    @property
    def sentence(self) -> str:
        """What was chosen, and why."""
        chosen = "one network" if self.prefer_the_network else "an ensemble"
        if self.network == math.inf:
            return f"{chosen}: one network found nothing better than its start in its share of time"
        return (
            f"{chosen}: on {self.rows} rows that neither was trained on, the loss is "
            f"{self.network:.3g} for one network and {self.ensemble:.3g} for an ensemble"
        )
