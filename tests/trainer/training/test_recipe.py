"""Recipes: what they refuse, and the defaults they fill in."""

import math
from typing import Any

import pytest

from network import Huber, Loss, Quantile, Squared
from trainer.errors import RecipeError
from trainer.solvers import SOLVERS
from trainer.training.recipe import Recipe


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"solver": "lbfgs"}, "unknown solver 'lbfgs'; expected one of auto, sgd, momentum, neste"),
        ({"schedule": "step"}, "unknown schedule 'step'; expected one of constant, linear, cosine"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0 and finite, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0 and finite, got nan"),
        ({"batch_size": 0}, "batch_size must be above 0 and finite, got 0"),
        ({"epochs": -1}, "epochs must be above 0 and finite, got -1"),
        ({"epochs": 0}, "epochs must be above 0 and finite, got 0"),
        ({"patience": 0}, "patience must be above 0 and finite, got 0"),
        ({"target_mse": 0.0}, "target_mse must be above 0 and finite, got 0.0"),
        ({"target_mse": math.nan}, "target_mse must be above 0 and finite, got nan"),
        ({"max_seconds": 0.0}, "max_seconds must be above 0 and finite, got 0.0"),
        ({"max_seconds": math.inf}, "max_seconds must be above 0 and finite, got inf"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
        ({"loss": "l1"}, "unknown loss 'l1'; expected one of squared, huber, quantile"),
        ({"loss": "huber", "huber_delta": 0.0}, "δ of the Huber loss must be above 0 and finite"),
        ({"loss": "quantile", "quantile": 1.0}, "the quantile must lie between 0 and 1, got 1.0"),
        ({"penalty": -0.1}, "penalty must be 0 or more, got -0.1"),
        ({"penalty": math.inf}, "penalty must be 0 or more, got inf"),
        ({"starts": 0}, "starts must be above 0 and finite, got 0"),
        (
            {"learning_rate": 0.1},
            "learning_rate goes with solver sgd, momentum, nesterov, adam; not",
        ),
        ({"learning_rate": 0.1, "solver": "bfgs"}, "learning_rate goes with solver sgd"),
        (
            {"batch_size": 9},
            "batch_size goes with solver sgd, momentum, nes",
        ),
        (
            {"schedule": "linear"},
            "schedule goes with solver sgd",
        ),
        ({"huber_delta": 0.2}, "huber_delta goes with loss huber, not with squared"),
        ({"quantile": 0.9, "loss": "huber"}, "quantile goes with loss quantile, not with huber"),
        (
            {"penalty": 0.1, "solver": "bayesian-regularization"},
            "bayesian-regularization finds its own penalty",
        ),
        (
            {"starts": 2, "solver": "bayesian-regularization"},
            "bayesian-regularization goes by the evidence, not by validation: it takes one start",
        ),
    ],
    ids=str,
)
def test_options_that_make_no_training_are_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=f"^{message}"):
        Recipe(**option)


def test_the_default_is_the_network_that_ships() -> None:
    recipe = Recipe()
    assert (recipe.layers, recipe.activation, recipe.solver) == ((32, 16), "tanh", "auto")


@pytest.mark.parametrize(
    ("recipe", "loss"),
    [
        (Recipe(), Squared()),
        (Recipe(loss="huber", huber_delta=0.3), Huber(0.3)),
        (Recipe(loss="quantile", quantile=0.9), Quantile(0.9)),
    ],
    ids=["squared", "huber", "quantile"],
)
def test_the_loss_is_made_as_it_is_named(recipe: Recipe, loss: Loss) -> None:
    assert recipe.make_loss() == loss


@pytest.mark.parametrize("loss", ["huber", "quantile"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_solver_for_squared_errors_refuses_other_losses(solver: str, loss: str) -> None:
    if SOLVERS[solver].squared_only:
        with pytest.raises(RecipeError, match=f"^{solver} knows the squared loss alone"):
            Recipe(solver=solver, loss=loss)
    else:
        assert Recipe(solver=solver, loss=loss).loss == loss
