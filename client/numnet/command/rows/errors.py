"""TableError: a table that cannot be predicted, and where in the file the reason is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WrongCell:
    """A wrong cell or row of a table.

    Attributes
    ----------
    line : of the file, from 1
    column : its name; "" if the whole row is wrong
    detail : what is wrong, and what was expected
    """

    line: int
    column: str
    detail: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.column} {self.detail}".replace(":  ", ": ")


class TableError(Exception):
    """The file is no table that can be predicted.

    Attributes
    ----------
    cells : the wrong ones, if the reason is in cells
    """

    def __init__(self, message: str, cells: tuple[WrongCell, ...] = ()) -> None:
        super().__init__(message)
        self.cells = cells
