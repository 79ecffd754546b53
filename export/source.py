"""What a format is, and what a file in it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from export.graph import Graph, graph_of
from network import Calibration, Predictor
from registry import Card


@dataclass(frozen=True, eq=False)
class Source:
    """A version that is written in another form.

    Attributes
    ----------
    name : the name of the model whose version it is
    number : the version's
    model, card : of the version
    calibration : of its prediction intervals; None if it has none
    level : of the prediction interval; None for a form without one
    form : a variant that the format has; empty for the usual one
    """

    name: str
    number: int
    model: Predictor
    card: Card
    calibration: Calibration | None = None
    level: float | None = None
    form: str = ""

    @cached_property
    def graph(self) -> Graph:
        """The computation, with the ends of the interval if there is a level.

        Raises
        ------
        NotExportable, LevelError
        """
        return graph_of(self.model, self.calibration, self.level)


@dataclass(frozen=True)
class Format:
    """A form that a version can be written in.

    Attributes
    ----------
    media_type : of the file
    write : returns the file of a version; raises `NotExportable` and `LevelError`
    forms : the variants that it has besides the usual one
    max_constants : numbers of a version that it can hold, so that memory is enough for the file
    """

    media_type: str
    write: Callable[[Source], str | bytes]
    forms: tuple[str, ...] = ()
    max_constants: int = 2_000_000
