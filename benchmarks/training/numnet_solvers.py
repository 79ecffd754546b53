"""Trainings with numnet, recorded while they run as those of `rival_solvers` are."""

from collections.abc import Sequence

import numpy as np

from benchmarks.training.fit_recording import Array, Recording, Trace
from network import Architecture, Rows
from trainer.solvers.objective import Objective
from trainer.solvers.validation_loss import ValidationLoss
from trainer.training.fit import fit
from trainer.training.plan import make_plan
from trainer.training.planned_solver import make_solver
from trainer.training.recipe import AUTO, Recipe
from trainer.training.watchdog import Watchdog

VALIDATION_SHARE = 10  # one row in ten is held out


def numnet(
    X: Array,
    Y: Array,
    layers: Sequence[int],
    seed: int,
    seconds: float,
    *,
    solver: str = AUTO,
    epochs: int | None = None,
) -> Trace:
    """Train as `trainer.training.training.train` does between split and evaluation.

    X : (N, d) and Y : (N, k), standardised. A tenth of the rows is held out for validation.
    """
    recording = Recording(seconds)
    recipe = Recipe(layers=tuple(layers), solver=solver, seed=seed, epochs=epochs)
    architecture = Architecture((X.shape[1], *layers, Y.shape[1]))
    held = len(X) // VALIDATION_SHARE
    validation = ValidationLoss(architecture, Rows(X[:held], Y[:held]))
    watchdog = Watchdog(seconds, recording.elapsed, lambda: False)

    def keep(theta: Array) -> None:
        recording.visit(lambda: [(W.copy(), b.copy()) for W, b in architecture.layers(theta)], 0.0)

    with recording.running(), np.errstate(all="ignore"):
        plan = make_plan(recipe, architecture, len(X) - held)
        objective = Objective(architecture, Rows(X[held:], Y[held:]), poll=watchdog.poll)
        rng = np.random.default_rng(seed)
        chosen = make_solver(plan, architecture, objective, validation, rng)
        fit(chosen, validation, plan.limits(validation.rows), watchdog, keep=keep)
    return recording.trace
