"""The contract of every solver: it minimises, and continues from its state with the same bits."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from network import Architecture, Rows
from tests.trainer.solvers.problems import (
    CURVE,
    LINE,
    PROBLEMS,
    Fuse,
    Problem,
    iterate,
    loss_on,
    noisy_curve,
    written_and_read,
)
from trainer.solvers import SOLVERS, Solver
from trainer.solvers.multi_start import MultiStart
from trainer.solvers.objective import Objective
from trainer.solvers.switching import SwitchingSolver
from trainer.training.plan import make_plan
from trainer.training.planned_solver import make_solver
from trainer.training.recipe import Recipe
from trainer.training.watchdog import Halt

EVERY_SOLVER = pytest.mark.parametrize("name", SOLVERS)
EVERY_PROBLEM = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
WHOLE = [name for name, kind in SOLVERS.items() if kind.iterations]  # no mini-batches


@pytest.mark.slow
@EVERY_SOLVER
@EVERY_PROBLEM
def test_every_solver_reaches_the_stated_loss(name: str, problem: Problem) -> None:
    solver = problem.solver(name)
    iterate(solver, problem.iterations_of(name))
    assert problem.objective().value(solver.theta) <= problem.loss


@EVERY_SOLVER
@EVERY_PROBLEM
@pytest.mark.parametrize("iterations", [1, 5, 20])
def test_no_solver_ends_above_its_start(name: str, problem: Problem, iterations: int) -> None:
    solver = problem.solver(name)
    before = problem.objective().value(solver.theta)
    iterate(solver, iterations)
    assert problem.objective().value(solver.theta) <= before


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "bayesian-regularization"])
def test_an_iteration_returns_the_objective_after_it(name: str) -> None:
    solver = CURVE.solver(name)
    for _ in range(20):
        (iteration,) = iterate(solver, 1)
        assert iteration.loss == pytest.approx(CURVE.objective().value(solver.theta), rel=1e-12)


@EVERY_SOLVER
def test_a_solver_does_not_modify_its_start(name: str) -> None:
    task = CURVE.task()
    solver = SOLVERS[name].make(task)
    iterate(solver, 3)
    np.testing.assert_array_equal(task.theta, CURVE.start())
    assert (solver.theta != task.theta).any()


@pytest.mark.parametrize("name", WHOLE)
def test_a_converged_solver_improves_no_further(name: str) -> None:
    solver, objective = LINE.solver(name), LINE.objective()
    for _ in range(500):
        (iteration,) = iterate(solver, 1)
        if iteration.converged:
            break
    assert iteration.converged
    reached = objective.value(solver.theta)
    iterate(solver, 10)
    assert objective.value(solver.theta) == pytest.approx(reached, rel=1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_an_interrupted_iteration_leaves_theta_unchanged(name: str) -> None:
    fuse = Fuse()
    for polls in range(1, 16):
        fuse.set(10**9)
        solver = CURVE.solver(name, CURVE.objective(fuse))
        iterate(solver, 3)
        before = solver.theta.copy()
        fuse.set(polls)
        try:
            iterate(solver, 1)
        except Halt:
            np.testing.assert_array_equal(solver.theta, before)
        else:  # the iteration ended before that poll
            assert polls > 1


# --- the state

NOISY = noisy_curve(rows=14, seed=3)
OTHER = noisy_curve(rows=30, seed=4)
MANY = noisy_curve(rows=2600, seed=5, hidden=4)


def several_starts(name: str) -> Solver:
    starts = [partial(CURVE.solver, name, seed=seed) for seed in range(3)]
    return MultiStart(starts, 10**9, 4, loss_on(CURVE.rows[:3], CURVE.architecture))


def switching() -> SwitchingSolver:
    return SwitchingSolver(
        NOISY.solver("levenberg-marquardt"),
        partial(NOISY.solver, "bayesian-regularization"),
        10**9,
        loss_on(OTHER.rows, NOISY.architecture),
    )


def as_planned() -> Solver:
    """Several starts on weighted rows, each a growing sample that may switch to a second solver."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.0, 1.0, (1300, 4))
    Y = X[:, :1] * X[:, 1:2] + rng.normal(0.0, 0.3, (1300, 1))
    rows = Rows(X, Y, rng.uniform(0.5, 1.5, 1300))
    architecture = Architecture((4, 19, 1))
    recipe = Recipe(layers=(19,), patience=15)
    plan = make_plan(recipe, architecture, 1200)
    assert (plan.regularises, plan.starts > 1) == (True, True)
    objective = Objective(architecture, rows[:1200])
    return make_solver(
        plan,
        architecture,
        objective,
        loss_on(rows[1200:], architecture),
        np.random.default_rng(1),
    )


MAKERS: dict[str, Callable[[], Solver]] = {
    "as planned": as_planned,
    **{name: partial(CURVE.solver, name) for name in SOLVERS},
    "bfgs on a growing sample": partial(MANY.solver, "bfgs"),
    "self-scaled Broyden on a growing sample": partial(MANY.solver, "self-scaled-broyden"),
    "l-bfgs on a growing sample": partial(MANY.solver, "l-bfgs"),
    "starts of adam": partial(several_starts, "adam"),
    "starts of self-scaled Broyden": partial(several_starts, "self-scaled-broyden"),
    "switching": switching,
}
EVERY_MAKER = pytest.mark.parametrize("name", MAKERS)


def assert_continues_with_the_same_bits(
    make: Callable[[], Solver], before: int, after: int, folder: Path
) -> None:
    """Compare one solver with another that a new instance replaces in between."""
    whole, first, second = make(), make(), make()
    iterate(whole, before)
    iterate(first, before)
    second.restore(written_and_read(first.state(), folder))
    assert second.theta.tobytes() == whole.theta.tobytes()
    for _ in range(after):
        assert iterate(second, 1) == iterate(whole, 1)
        assert second.theta.tobytes() == whole.theta.tobytes()


@EVERY_MAKER
@pytest.mark.parametrize(("before", "after"), [(0, 4), (1, 5), (9, 6), (13, 8), (45, 25)])
def test_a_new_solver_continues_from_the_state_with_the_same_bits(
    name: str, before: int, after: int, tmp_path: Path
) -> None:
    assert_continues_with_the_same_bits(MAKERS[name], before, after, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("offset", [-29, -11, -1, 0, 1, 7])
def test_a_solver_continues_with_the_same_bits_around_its_switch(
    offset: int, tmp_path: Path
) -> None:
    solver = switching()
    iterate(solver, 500)
    assert solver.switched_after is not None
    before = solver.switched_after + offset
    assert_continues_with_the_same_bits(switching, before, 40, tmp_path)


@pytest.mark.slow
def test_a_planned_solver_continues_with_the_same_bits_around_its_switch(tmp_path: Path) -> None:
    solver, done = as_planned(), 0
    assert isinstance(solver, MultiStart)
    while isinstance(solver.solver, SwitchingSolver) and solver.solver.switched_after is None:
        iterate(solver, 1)
        done += 1
        assert done < 1000
    for before in (done // 2, done - 1, done, done + 2):
        assert_continues_with_the_same_bits(as_planned, before, 5, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["l-bfgs", "bfgs", "self-scaled-broyden"])
def test_a_solver_continues_with_the_same_bits_at_every_growth_of_its_sample(
    name: str, tmp_path: Path
) -> None:
    make = partial(MANY.solver, name)
    solver, sizes = make(), []
    for _ in range(120):
        sizes.append(solver.state()["size"])
        iterate(solver, 1)
    growths = [n for n in range(1, len(sizes)) if sizes[n] > sizes[n - 1]]
    assert len(growths) == 2
    for growth in growths:
        assert_continues_with_the_same_bits(make, growth - 1, 3, tmp_path)
        assert_continues_with_the_same_bits(make, growth, 3, tmp_path)


@EVERY_MAKER
def test_a_solver_can_be_restored_many_times(name: str, tmp_path: Path) -> None:
    whole, solver = MAKERS[name](), MAKERS[name]()
    iterate(whole, 24)
    for _ in range(8):
        iterate(solver, 3)
        state, solver = written_and_read(solver.state(), tmp_path), MAKERS[name]()
        solver.restore(state)
    assert solver.theta.tobytes() == whole.theta.tobytes()


@EVERY_MAKER
def test_reading_the_state_does_not_change_the_solver(name: str) -> None:
    read, other = MAKERS[name](), MAKERS[name]()
    for _ in range(20):
        read.state()
        assert iterate(read, 1) == iterate(other, 1)
    assert read.theta.tobytes() == other.theta.tobytes()
