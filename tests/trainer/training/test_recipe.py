"""A recipe: the options it declares, accepts and refuses."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest

from network import LOSSES, Huber, Loss, Quantile, Squared
from trainer.errors import RecipeError
from trainer.solvers import SOLVERS
from trainer.training.option import Option
from trainer.training.recipe import RECIPE_OPTIONS, Recipe

ROOT = Path(__file__).resolve().parents[3]
POSITIVE = "must be a finite number above 0, got"
COUNT = "must be a whole number from 1 to 9,007,199,254,740,992, got"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"layers": (8, 0)}, "layers must be whole numbers from 1 to 10,000,000, got (8, 0)"),
        ({"layers": (8.0,)}, "layers must be whole numbers from 1 to 10,000,000, got (8.0,)"),
        ({"activation": "tan"}, "activation must be one of tanh, relu"),
        ({"solver": "lbfgs"}, "solver must be one of auto, ensemble, sgd, momentum, nesterov"),
        ({"solver": None}, "solver must be one of auto, ensemble, sgd"),
        (
            {"schedule": "step"},
            "schedule must be one of constant, linear",
        ),
        ({"loss": "l1"}, "loss must be one of squared, huber"),
        ({"learning_rate": 0.0}, f"learning_rate {POSITIVE} 0.0"),
        ({"learning_rate": math.nan}, f"learning_rate {POSITIVE} nan"),
        ({"target_mse": 0.0}, f"target_mse {POSITIVE} 0.0"),
        ({"target_mse": math.nan}, f"target_mse {POSITIVE} nan"),
        ({"max_seconds": 0.0}, f"max_seconds {POSITIVE} 0.0"),
        ({"max_seconds": math.inf}, f"max_seconds {POSITIVE} inf"),
        (
            {"loss": "huber", "huber_delta": 1e-320},
            "huber_delta must be from 1e-06 to 1e+06, got 1e-320",
        ),
        (
            {"loss": "huber", "huber_delta": 1e300},
            "huber_delta must be from 1e-06 to 1e+06, got 1e+300",
        ),
        ({"huber_delta": 0.0}, f"huber_delta {POSITIVE} 0.0"),
        ({"quantile": 1.0}, "quantile must be a number above 0 and below 1, got 1.0"),
        ({"penalty": -0.1}, "penalty must be a finite number not below 0, got -0.1"),
        ({"penalty": math.inf}, "penalty must be a finite number not below 0, got inf"),
        ({"batch_size": 0}, f"batch_size {COUNT} 0"),
        ({"epochs": -1}, f"epochs {COUNT} -1"),
        ({"epochs": 0}, f"epochs {COUNT} 0"),
        ({"epochs": 2**53 + 1}, f"epochs {COUNT} {2**53 + 1}"),
        ({"patience": 0}, f"patience {COUNT} 0"),
        ({"starts": 0}, "starts must be a whole number from 1 to 1,000, got 0"),
        ({"starts": 1_001}, "starts must be a whole number from 1 to 1,000, got 1001"),
        ({"seed": -1}, "seed must be a whole number from 0 to 9,007,199,254,740,992, got -1"),
        (
            {"learning_rate": 0.1},
            "learning_rate applies to solver sgd, momentum, nesterov, adam, not to auto",
        ),
        ({"learning_rate": 0.1, "solver": "bfgs"}, "learning_rate applies to solver sgd"),
        ({"batch_size": 9}, "batch_size applies to solver sgd, momentum, nes"),
        ({"schedule": "linear"}, "schedule applies to solver sgd"),
        ({"huber_delta": 0.2}, "huber_delta applies to loss huber, not to squared"),
        ({"quantile": 0.9, "loss": "huber"}, "quantile applies to loss quantile, not to huber"),
        (
            {"penalty": 0.1, "solver": "bayesian-regularization"},
            "penalty must be 0 for solver bayesian-regularization, which estimates its own",
        ),
        (
            {"starts": 2, "solver": "bayesian-regularization"},
            "starts must be 1 for solver bayesian-regularization, which selects by evidence",
        ),
    ],
    ids=str,
)
def test_an_invalid_option_is_refused(option: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as refused:
        Recipe(**option)
    assert str(refused.value).startswith(message)


def test_the_default_layers_are_those_of_the_example_task() -> None:
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
def test_make_loss_returns_the_named_loss_with_its_parameter(recipe: Recipe, loss: Loss) -> None:
    assert recipe.make_loss() == loss


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "squared"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_solver_for_squared_errors_refuses_other_losses(solver: str, loss: str) -> None:
    if SOLVERS[solver].squared_only:
        with pytest.raises(RecipeError, match=f"^loss must be squared for solver {solver}"):
            Recipe(solver=solver, loss=loss)
    else:
        assert Recipe(solver=solver, loss=loss).loss == loss


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_can_be_made_from_its_name(loss: str) -> None:
    assert Recipe(loss=loss).make_loss() == LOSSES[loss]()


def test_every_default_is_accepted() -> None:
    assert all(declared.accepts(declared.default) for declared in RECIPE_OPTIONS.values())
    assert Recipe().asked == {}


def test_asked_has_the_fields_that_differ_from_their_defaults() -> None:
    assert Recipe(layers=(8,), epochs=3, seed=0).asked == {"layers": (8,), "epochs": 3}


def test_every_default_of_none_is_described() -> None:
    for declared in RECIPE_OPTIONS.values():
        assert bool(declared.if_omitted) == (declared.default is None)


def test_the_table_of_options_in_the_docs_is_that_of_the_declarations() -> None:
    text = (ROOT / "docs" / "training.md").read_text()
    _, _, table = text.partition("| option | values | default | |\n|---|---|---|---|\n")
    documented = list(itertools.takewhile(bool, table.splitlines()))
    assert documented == [_table_row(name, each) for name, each in RECIPE_OPTIONS.items()]


def _table_row(name: str, declared: Option) -> str:
    default = declared.default
    if isinstance(default, tuple):
        default = ", ".join(map(str, default))
    elif isinstance(default, float):
        default = f"{default:g}"
    shown = declared.if_omitted or default
    description = declared.description.replace("|", "\\|")
    return f"| `{name}` | {declared.values.expected} | {shown} | {description} |"
