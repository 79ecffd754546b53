"""Recipes: what they refuse, and the defaults they fill in."""

import json
import math
from typing import Any

import pytest

from trainer.errors import RecipeError
from trainer.optimizers import SOLVERS
from trainer.recipe import Recipe


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"solver": "lbfgs"}, "unknown solver 'lbfgs'; expected one of sgd, momentum, nesterov, a"),
        ({"schedule": "step"}, "unknown schedule 'step'; expected one of constant, linear, cosine"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0 and finite, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0 and finite, got nan"),
        ({"batch_size": 0}, "batch_size must be above 0 and finite, got 0"),
        ({"epochs": -1}, "epochs must be above 0 and finite, got -1"),
        ({"epochs": 0}, "epochs must be above 0 and finite, got 0"),
        ({"patience": 0}, "patience must be above 0 and finite, got 0"),
        ({"max_seconds": 0.0}, "max_seconds must be above 0 and finite, got 0.0"),
        ({"max_seconds": math.inf}, "max_seconds must be above 0 and finite, got inf"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
    ],
    ids=str,
)
def test_options_that_make_no_training_are_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=f"^{message}"):
        Recipe(**option)


def test_the_default_is_the_network_that_ships() -> None:
    recipe = Recipe()
    assert (recipe.layers, recipe.activation, recipe.solver) == ((32, 16), "tanh", "adam")


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_learning_rate_suits_the_solver_unless_given(solver: str) -> None:
    assert Recipe(solver=solver).rate() == SOLVERS[solver].learning_rate
    assert Recipe(solver=solver, learning_rate=0.3).rate() == 0.3


@pytest.mark.parametrize(
    ("rows", "epochs", "patience"),
    [
        (8, 2000, 200),  # one step an epoch: the most epochs
        (4000, 952, 95),  # 63 steps an epoch: 60,000 steps
        (64 * 600, 100, 20),
        (10_000_000, 20, 20),  # the fewest
    ],
)
def test_epochs_and_patience_follow_from_the_rows(rows: int, epochs: int, patience: int) -> None:
    assert Recipe().epochs_for(rows) == epochs
    assert Recipe().patience_for(rows) == patience


def test_epochs_and_patience_that_are_given_stand() -> None:
    recipe = Recipe(epochs=3, patience=2)
    assert (recipe.epochs_for(10**9), recipe.patience_for(10**9)) == (3, 2)


def test_the_card_has_every_default_filled_in() -> None:
    card = Recipe(layers=(8,), solver="momentum", seed=4).as_card(4000)
    assert json.loads(json.dumps(card)) == {
        "layers": [8],
        "activation": "tanh",
        "solver": "momentum",
        "learning_rate": 0.02,
        "schedule": "cosine",
        "batch_size": 64,
        "epochs": 952,
        "patience": 95,
        "max_seconds": 60.0,
        "seed": 4,
    }
