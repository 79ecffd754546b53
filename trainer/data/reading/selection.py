"""Which columns of a file are used, and as what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from trainer.data.reading.formats.block import Source
from trainer.errors import DataError

MAX_LISTED = 100
MAX_COMPARED = 1000  # names, with one that is not among them
NOT_NAMED = "it is not among the named features"


@dataclass(frozen=True)
class Selection:
    """The used columns of a file.

    Attributes
    ----------
    weights : the column of row weights; empty if there is none
    indices : of the targets, the weights and the features, in this order
    explicit : whether the features were named one by one
    left_out : why columns are not features, by name
    """

    targets: tuple[str, ...]
    weights: str
    features: tuple[str, ...]
    indices: tuple[int, ...]
    explicit: bool
    left_out: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names in the order of the indices."""
        return (*self.targets, *([self.weights] if self.weights else []), *self.features)

    @classmethod
    def of(
        cls,
        source: Source,
        name: str,
        targets: Sequence[str],
        features: Sequence[str],
        weights: str | None,
        *,
        categories: Sequence[str],
    ) -> Self:
        """Find the named columns; by default, all others with names are features.

        Raises
        ------
        DataError
            a column is missing, or has the same name as another one.
        """
        names = source.names
        if not any(names):
            raise DataError(f"{name} is empty: expected a header with column names")
        known = (*targets, *([weights] if weights else []))
        explicit = bool(features)
        if explicit:
            used = {*known, *features}
            left_out = {each: NOT_NAMED for each in names if each and each not in used}
        else:
            features = [each for each in names if each and each not in known]
            last = max(place for place, each in enumerate(names) if each)
            left_out = {
                f"column {place}": "it has no name"
                for place, each in enumerate(names[:last], 1)
                if not each
            }
        places = {each: index for index, each in enumerate(names)}
        counts = Counter(names)
        for column in (*known, *features, *categories):
            if counts[column] != 1:
                problem = "two columns called" if counts[column] else "no column"
                short = f"{name} has {problem} {column!r}"
                rename = ": rename one, or name other features" if counts[column] else ""
                near = "" if counts[column] else _did_you_mean(column, names)
                # The first row of a file without a header would be listed as column names.
                whole = f"{short}{rename}; {near}{_columns_are(source)}"
                raise DataError(whole, without_cells=short)
        if weights and weights in (*targets, *features):
            raise DataError(
                f"column {weights!r} cannot be both the weights and a feature or target"
            )
        if both := set(categories).intersection(known):
            raise DataError(f"column {both.pop()!r} cannot be a category: it is to be a number")
        if not features:
            raise DataError(
                "there are no features: expected at least one column besides the target"
            )
        indices = tuple(places[column] for column in (*known, *features))
        return cls(tuple(targets), weights or "", tuple(features), indices, explicit, left_out)


def _did_you_mean(column: str, names: Sequence[str]) -> str:
    """Return a question with a name that begins like the column's or is similar."""
    start = column.casefold()
    found = [each for each in names if each.casefold().startswith(start)]
    found += get_close_matches(column, names[:MAX_COMPARED], 1)
    return f"did you mean {found[0]!r}? " if found else ""


def _columns_are(source: Source) -> str:
    listed = ", ".join(source.names[:MAX_LISTED]) + (", …" * (len(source.names) > MAX_LISTED))
    if source.headless:
        return (
            f"its first line is not a header, but numbers; "
            f"without a header, the columns are called {listed}"
        )
    return f"its columns are: {listed}"
