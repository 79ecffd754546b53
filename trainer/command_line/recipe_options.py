"""Command-line options made from the declarations of `Recipe`.

`Recipe` itself checks the ranges, so that `--json` reports a value out of range as one JSON object.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.types import OptionHelpExtra

from trainer.training.option import Choice, Integer, Integers, Option, Times, Values
from trainer.training.recipe import RECIPE_OPTIONS

Command = TypeVar("Command", bound=Callable[..., Any])


def recipe_options(command: Command) -> Command:
    """Add one option to a click command for each field of `Recipe`."""
    for name, declared in reversed(RECIPE_OPTIONS.items()):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, cls=RecipeOption, declared=declared)(command)
    return command


class RecipeOption(click.Option):
    """A command-line option with the type, default, range and help of its declaration."""

    def __init__(self, flags: list[str], declared: Option, **details: Any) -> None:
        super().__init__(
            flags,
            type=_type(declared.values),
            default=declared.default,
            show_default=declared.if_omitted or True,
            help=declared.description,
            **details,
        )
        self._values = declared.values

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """Return what `--help` shows in brackets: the default and the range."""
        extra = super().get_help_extra(ctx)
        if not isinstance(self._values, Choice):  # the names stand in the metavar
            extra["range"] = self._values.expected
        return extra


class CommaSeparatedIntegers(click.ParamType[tuple[int, ...]]):
    """Integers separated by commas, such as `32,16`; an empty text means none."""

    name = "INTEGER,…"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        """Return the integers of a text."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(item) for item in value.split(",") if item.strip())
        except ValueError:
            self.fail(f"expected whole numbers like 32,16, got {value!r}", param, ctx)


def _type(values: Values) -> click.ParamType[Any]:
    if isinstance(values, Choice):
        return click.Choice(values.names)
    if isinstance(values, Integers):
        return CommaSeparatedIntegers()
    if isinstance(values, Times):
        return click.STRING
    return click.INT if isinstance(values, Integer) else click.FLOAT
