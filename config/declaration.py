"""How a setting is declared: its values, default and description, stated once."""

from dataclasses import dataclass, field
from typing import Any

from config.environment import SettingsError
from config.values import Values


@dataclass(frozen=True)
class Declaration:
    """A declared setting.

    Attributes
    ----------
    values : the values that it takes
    description : as the table in docs/settings.md has it
    if_unset : the default in words, if the default value does not say it
    secret : whether its value must not be shown
    """

    values: Values
    description: str
    if_unset: str = ""
    secret: bool = False

    def parse(self, variable: str, text: str) -> Any:
        """Return the value that the text of the setting's variable stands for.

        Raises
        ------
        SettingsError
        """
        try:
            return self.values.parse(text)
        except ValueError:
            # a URL may contain a password in front of its @
            shown = "" if self.secret or "@" in text else f"={text}"
            raise SettingsError(f"{variable}{shown}: expected {self.values.expected}") from None

    def shown(self, value: Any) -> str | int | float:
        """Return the value as a log may show it; of a secret, only whether it is set."""
        if self.secret:
            return "set" if value else "not set"
        if isinstance(value, tuple):
            return ",".join(value)
        return value if isinstance(value, int | float) else str(value)


def setting(default: Any, values: Values, description: str, **details: Any) -> Any:
    """Declare a dataclass field as a setting; `details` are further fields of `Declaration`.

    Parameters
    ----------
    default : a value, or a function that is called for it when the settings are made
    """
    declared = Declaration(values, description, **details)
    metadata = {"setting": declared}
    if callable(default):
        return field(default_factory=default, repr=not declared.secret, metadata=metadata)
    return field(default=default, repr=not declared.secret, metadata=metadata)
