"""What a file does not say about itself."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from trainer.errors import DataError

Missing = Literal["impute", "refuse"]
MISSING: tuple[Missing, ...] = get_args(Missing)


@dataclass(frozen=True)
class ReadingOptions:
    """Options of reading a file.

    Attributes
    ----------
    encoding : of a text; by default UTF-8, or what its byte order mark says
    categories : columns that are categories, even if their cells are numbers
    missing : "refuse" makes missing cells errors

    Raises
    ------
    DataError
    """

    encoding: str | None = None
    categories: tuple[str, ...] = ()
    missing: Missing = "impute"

    def __post_init__(self) -> None:
        if self.missing not in MISSING:
            raise DataError(f"missing must be one of {', '.join(MISSING)}, got {self.missing!r}")

    def as_document(self) -> dict[str, Any]:
        """Return the options that differ from their defaults, as JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != getattr(ReadingOptions, name)
        }
