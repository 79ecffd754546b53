"""How an option of a training is declared: its values, default and description, stated once.

`trainer.training.recipe.Recipe` declares its fields with `option`. The checks of a recipe, the
command line, the body of `POST /retrain` and the tables in docs are made from the declarations.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from config.values import CronExpression

NEVER = "never"
MAX_CRON_CHARACTERS = 200  # croniter takes seconds for a long expression


@dataclass(frozen=True)
class Choice:
    """One of a few names."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        """Return a description that completes "must be …"."""
        return f"one of {', '.join(self.names)}"

    def __contains__(self, value: object) -> bool:
        return value in self.names


@dataclass(frozen=True)
class Integer:
    """A whole number from `minimum` to `maximum`, both included."""

    minimum: int
    maximum: int

    @property
    def expected(self) -> str:
        """Return a description that completes "must be …"."""
        return f"a whole number from {self.minimum:,} to {self.maximum:,}"

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and self.minimum <= value <= self.maximum


@dataclass(frozen=True)
class Integers:
    """A list of whole numbers; it may be empty."""

    item: Integer

    @property
    def expected(self) -> str:
        """Return a description that completes "must be …"."""
        return f"whole numbers from {self.item.minimum:,} to {self.item.maximum:,}"

    def __contains__(self, value: object) -> bool:
        return isinstance(value, tuple) and all(item in self.item for item in value)


@dataclass(frozen=True)
class Number:
    """A finite number above 0, and below a bound if there is one.

    Attributes
    ----------
    zero : whether 0 is allowed
    below : the bound, itself excluded
    """

    zero: bool = False
    below: float = math.inf

    @property
    def expected(self) -> str:
        """Return a description that completes "must be …"."""
        if self.below < math.inf:
            return f"a number {'not below' if self.zero else 'above'} 0 and below {self.below:g}"
        return f"a finite number {'not below' if self.zero else 'above'} 0"

    def __contains__(self, value: object) -> bool:
        return (
            isinstance(value, int | float) and 0 <= value < self.below and (value != 0 or self.zero)
        )


@dataclass(frozen=True)
class Times:
    """A cron expression of five fields, or `never`."""

    expected = f"never, or {CronExpression.expected}"

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str) or len(value) > MAX_CRON_CHARACTERS:
            return False
        try:
            return value == NEVER or bool(CronExpression().parse(value))
        except ValueError:
            return False


Values = Choice | Integer | Integers | Number | Times


@dataclass(frozen=True)
class Option:
    """A declared option.

    Attributes
    ----------
    values : the values that it takes
    description : one sentence for its users
    default : None if the training chooses a value, or if there is none
    if_omitted : what a default of None stands for
    loss : the loss whose parameter it is, if it is one
    """

    values: Values
    description: str
    default: Any
    if_omitted: str = ""
    loss: str | None = None

    def accepts(self, value: object) -> bool:
        """Return whether the value is one of `values`, or None if that is the default."""
        return value in self.values or (value is None and self.default is None)


def option(default: Any, values: Values, description: str, **details: Any) -> Any:
    """Declare a dataclass field as an option; `details` are further fields of `Option`."""
    declared = Option(values, description, default, **details)
    return field(default=default, metadata={"option": declared})
