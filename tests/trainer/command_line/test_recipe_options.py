"""The command-line options of a training, made from the declarations of `Recipe`."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from trainer.command_line.recipe_options import recipe_options
from trainer.training.option import Choice
from trainer.training.recipe import RECIPE_OPTIONS, Recipe


@pytest.fixture
def received() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def command(received: list[dict[str, Any]]) -> click.Command:
    """A command that records the options it was called with."""

    @click.command()
    @recipe_options
    def command(**options: Any) -> None:
        received.append(options)

    return command


def test_without_options_the_recipe_has_its_defaults(
    command: click.Command, received: list[dict[str, Any]]
) -> None:
    assert CliRunner().invoke(command).exit_code == 0
    [options] = received
    assert Recipe(**options) == Recipe()


def test_every_option_reaches_its_field(
    command: click.Command, received: list[dict[str, Any]]
) -> None:
    arguments = ["--layers=8,4", "--huber-delta=0.5", "--epochs=7", "--solver=adam", "--seed=3"]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    [options] = received
    assert options.keys() == RECIPE_OPTIONS.keys()
    given = {"layers": (8, 4), "huber_delta": 0.5, "epochs": 7, "solver": "adam", "seed": 3}
    assert options.items() >= given.items()


def test_help_shows_the_description_default_and_values_of_every_option(
    command: click.Command,
) -> None:
    shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    for name, declared in RECIPE_OPTIONS.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert declared.description in shown
        assert declared.if_omitted in shown
        if isinstance(declared.values, Choice):
            assert f"[{'|'.join(declared.values.names)}]" in shown
        else:
            assert f"{declared.values.expected}]" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "32,x"], "expected whole numbers like 32,16, got '32,x'"),
        (["--activation", "tan"], "'tan' is not one of 'tanh', 'relu'"),
        (["--epochs", "1.5"], "'1.5' is not a valid integer"),
        (["--penalty", "much"], "'much' is not a valid float"),
    ],
)
def test_a_value_of_another_type_is_refused(
    arguments: list[str], message: str, command: click.Command
) -> None:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    assert message in done.output
