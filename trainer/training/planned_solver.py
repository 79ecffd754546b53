"""The solver of a plan: random starts, each possibly with a switch to a second solver."""

from collections.abc import Callable
from functools import partial

import numpy as np

from network import Architecture, Array, initial_parameters
from trainer.solvers import BAYESIAN, SOLVERS, Solver, Task
from trainer.solvers.first_order.schedules import SCHEDULES
from trainer.solvers.multi_start import MultiStart
from trainer.solvers.objective import Objective
from trainer.solvers.switching import SwitchingSolver
from trainer.training.plan import Plan


def make_solver(
    plan: Plan,
    architecture: Architecture,
    objective: Objective,
    validate: Callable[[Array], float],
    rng: np.random.Generator,
    *,
    may_stall: bool = False,
) -> Solver:
    """Make the solver of a plan, at its random start.

    Parameters
    ----------
    validate : returns the loss of θ on the validation rows
    rng : draws the starts
    may_stall : whether the solver reports that it stalls
    """
    kind = SOLVERS[plan.solver]
    # starts that the recipe asks for share the epochs; otherwise each may use all of them
    limit = max(1, plan.epochs // plan.starts) if plan.recipe.starts else plan.epochs

    def task(seed: int) -> Task:
        start_rng = np.random.default_rng(seed)
        return Task(
            objective=objective,
            theta=initial_parameters(architecture, start_rng),
            seed=int(start_rng.integers(2**63)),
            iterations=limit,
            learning_rate=plan.learning_rate or 0.0,
            schedule=SCHEDULES[plan.schedule],
            batch_size=plan.batch_size,
        )

    def start(seed: int) -> Solver:
        first = task(seed)
        solver = kind.make(first)
        if not plan.regularises:
            return SwitchingSolver(solver, None, 0, validate) if may_stall else solver
        second = SOLVERS[BAYESIAN]
        return SwitchingSolver(
            solver, partial(second.make, first), second.iterations or limit, validate
        )

    starts = [partial(start, int(seed)) for seed in rng.integers(2**63, size=plan.starts)]
    if plan.starts == 1:
        return starts[0]()
    return MultiStart(starts, limit, plan.patience, validate)


def decisions(plan: Plan, solver: Solver) -> list[str]:
    """Return the reasons of the plan, and what its solver decided during the training."""
    reasons = list(plan.reasons)
    if isinstance(solver, MultiStart):
        reasons.append(f"{solver.start + 1} of up to {plan.starts} random starts")
        solver = solver.solver
    if isinstance(solver, SwitchingSolver) and solver.switched_after is not None:
        reasons.append(
            f"{BAYESIAN} after {solver.switched_after} iterations: "
            f"the validation loss had nearly stopped falling"
        )
    return reasons
