"""What a token allows: rights, and the models that it has them for."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

READ, OBSERVE, ADMIN = RIGHTS = ("read", "observe", "admin")  # admin includes the others
ALL = "*"


@dataclass(frozen=True)
class Grant:
    """The rights of a token.

    Attributes
    ----------
    rights : some of `RIGHTS`
    names : the models that it has them for
    patterns : of further names, with `*` for any characters and `?` for one
    """

    rights: frozenset[str]
    names: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    def allows(self, right: str, model: str | None) -> bool:
        """Return whether the token has a right for a model; with None, for all models."""
        if right not in self.rights:
            return False
        if model is None:
            return ALL in self.patterns
        return model in self.names or any(fnmatchcase(model, each) for each in self.patterns)


FULL = Grant(frozenset(RIGHTS), patterns=(ALL,))  # of the admin token
READING = Grant(frozenset({READ}), patterns=(ALL,))  # of the read token
