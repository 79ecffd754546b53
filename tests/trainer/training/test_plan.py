"""The plan of a training: decisions by the data, and the solver made from them."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from network import Architecture, Array, Rows
from trainer.errors import RecipeError
from trainer.solvers import SOLVERS, Solver
from trainer.solvers.multi_start import MultiStart
from trainer.solvers.objective import Objective
from trainer.solvers.quasi_newton.growing_sample import GrowingSample
from trainer.solvers.switching import SwitchingSolver
from trainer.training.plan import Plan, make_plan
from trainer.training.planned_solver import make_solver
from trainer.training.recipe import Recipe

SHIPPED = Architecture((4, 32, 16, 1))  # 705 parameters
SMALL = Architecture((1, 16, 1))  # 49
WIDE = Architecture((4, 128, 64, 1))  # 8,961


def plan(
    recipe: Recipe | None = None, architecture: Architecture = SHIPPED, rows: int = 4000
) -> Plan:
    return make_plan(recipe or Recipe(), architecture, rows)


@pytest.mark.parametrize(
    ("architecture", "solver", "reason"),
    [
        (SHIPPED, "self-scaled-broyden", "705 parameters are within 4,000"),
        (WIDE, "l-bfgs", "8,961 parameters exceed 4,000"),
    ],
)
def test_auto_chooses_by_the_number_of_parameters_and_reports_it(
    architecture: Architecture, solver: str, reason: str
) -> None:
    chosen = plan(architecture=architecture)
    assert chosen.solver == solver
    assert chosen.reasons[0].startswith(f"{solver}: {reason}")


def test_a_named_solver_has_no_reason() -> None:
    chosen = plan(Recipe(solver="adam"))
    assert (chosen.solver, chosen.reasons, chosen.regularises) == ("adam", (), False)


@pytest.mark.parametrize("solver", [name for name, kind in SOLVERS.items() if kind.dense])
def test_a_dense_solver_is_refused_above_its_limit(solver: str) -> None:
    with pytest.raises(RecipeError, match=f"^{solver} stores .* 8,961 parameters are too many"):
        plan(Recipe(solver=solver), WIDE)


@pytest.mark.parametrize(
    ("recipe", "rows", "regularises"),
    [
        (Recipe(), 180, True),
        (Recipe(), 5000, False),  # enough rows
        (Recipe(loss="huber"), 180, False),
        (Recipe(penalty=1e-3), 180, False),  # has a penalty already
        (Recipe(solver="bfgs"), 180, False),  # a named solver
    ],
)
def test_auto_switches_to_bayesian_regularization_for_few_rows(
    recipe: Recipe, rows: int, regularises: bool
) -> None:
    assert plan(recipe, SMALL, rows).regularises is regularises


def test_auto_does_not_switch_if_a_gauss_newton_matrix_takes_long() -> None:
    assert not plan(rows=4000).regularises


def test_small_networks_get_several_starts_by_default() -> None:
    assert plan(architecture=SMALL).starts > 1
    assert plan(architecture=SHIPPED).starts == 1
    assert plan(Recipe(starts=7)).starts == 7
    assert plan(Recipe(starts=1), SMALL).starts == 1
    assert plan(Recipe(solver="adam"), SMALL).starts == 1  # one schedule spans all epochs
    assert plan(Recipe(solver="bayesian-regularization"), SMALL).starts == 1


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_default_learning_rate_is_that_of_the_solver(solver: str) -> None:
    assert plan(Recipe(solver=solver)).learning_rate == SOLVERS[solver].learning_rate
    if SOLVERS[solver].learning_rate:
        assert plan(Recipe(solver=solver, learning_rate=0.3)).learning_rate == 0.3


@pytest.mark.parametrize(
    ("rows", "epochs", "patience"),
    [
        (8, 2000, 200),  # one step per epoch: the maximum
        (4000, 952, 95),  # 63 steps per epoch: 60,000 steps
        (64 * 600, 100, 20),
        (10_000_000, 20, 20),  # the minimum
    ],
)
def test_epochs_of_mini_batches_depend_on_the_number_of_rows(
    rows: int, epochs: int, patience: int
) -> None:
    chosen = plan(Recipe(solver="adam"), rows=rows)
    assert (chosen.epochs, chosen.patience) == (epochs, patience)


def test_other_solvers_have_their_own_number_of_iterations() -> None:
    assert plan(Recipe(solver="bfgs"), rows=8).epochs == SOLVERS["bfgs"].iterations


def test_given_epochs_and_patience_are_kept() -> None:
    chosen = plan(Recipe(epochs=3, patience=2), rows=10**9)
    assert (chosen.epochs, chosen.patience) == (3, 2)


def test_a_batch_has_at_most_all_rows() -> None:
    assert plan(Recipe(solver="adam", batch_size=64), rows=10).batch_size == 10


def test_the_tolerance_is_larger_for_few_validation_rows() -> None:
    few, many = (Rows(np.zeros((n, 1)), np.zeros((n, 2))) for n in (4, 400))
    assert plan().limits(few).tolerance == pytest.approx(0.5)
    assert plan().limits(many).tolerance == pytest.approx(0.05)


def test_as_card_has_every_default_filled_in() -> None:
    card = plan(Recipe(layers=(8,), solver="momentum", seed=4), SMALL).as_card()
    assert json.loads(json.dumps(card)) == {
        "layers": [8],
        "activation": "tanh",
        "asked": {"layers": [8], "solver": "momentum", "seed": 4},
        "solver": "momentum",
        "loss": "squared",
        "huber_delta": 0.1,
        "quantile": 0.5,
        "penalty": 0.0,
        "starts": 1,
        "regularises": False,
        "learning_rate": 0.02,
        "schedule": "cosine",
        "batch_size": 64,
        "epochs": 952,
        "patience": 95,
        "target_mse": None,
        "test_fraction": None,
        "max_seconds": 60.0,
        "seed": 4,
        "every": None,
    }


@pytest.fixture
def make() -> Callable[..., Solver]:
    rng = np.random.default_rng(3)
    rows = Rows(rng.normal(size=(40, 1)), rng.normal(size=(40, 1)))

    def make(recipe: Recipe, seed: int = 0) -> Solver:
        def validate(theta: Array) -> float:
            return 1.0

        objective = Objective(SMALL, rows)
        chosen = make_plan(recipe, SMALL, len(rows))
        return make_solver(chosen, SMALL, objective, validate, np.random.default_rng(seed))

    return make


def test_the_solver_is_made_as_planned(make: Callable[..., Solver]) -> None:
    starts = make(Recipe())
    assert isinstance(starts, MultiStart)
    assert isinstance(starts.solver, SwitchingSolver)
    assert isinstance(make(Recipe(starts=1)), SwitchingSolver)
    assert isinstance(make(Recipe(starts=1, solver="bfgs")), GrowingSample)


def test_the_seed_decides_the_start(make: Callable[..., Solver]) -> None:
    first, again, other = (make(Recipe(), seed).theta for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
