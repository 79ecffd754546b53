"""The names that a C program gives to a version's features and targets."""

from dataclasses import dataclass
from typing import Self

from export.code.names import identifiers
from export.source import Source


@dataclass(frozen=True)
class Naming:
    """Names for one version. All begin with that of its model, so that none is a reserved word.

    Attributes
    ----------
    prefix : of functions; that of constants is the same in capitals
    features, targets : the constants that are the indices of features and targets
    """

    prefix: str
    features: tuple[str, ...]
    targets: tuple[str, ...]

    @classmethod
    def of(cls, source: Source) -> Self:
        """Return the names for a version."""
        (name,) = identifiers([source.name])
        prefix = f"{'' if name[0].isalpha() else 'm'}{name.lower()}"
        features, targets = (
            tuple(f"{prefix.upper()}_{kind}_{each}" for each in identifiers(names))
            for kind, names in (
                ("FEATURE", source.model.features),
                ("TARGET", source.model.targets),
            )
        )
        return cls(prefix, features, targets)

    @property
    def capitals(self) -> str:
        """The prefix of constants."""
        return self.prefix.upper()

    @property
    def has_features(self) -> str:
        """The constant that is the number of features."""
        return f"{self.capitals}_FEATURES"

    @property
    def has_targets(self) -> str:
        """The constant that is the number of targets."""
        return f"{self.capitals}_TARGETS"
