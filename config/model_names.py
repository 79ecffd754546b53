"""Names of models, which are parts of paths and of folders."""

import re

# `rollback` and `stats` are parts of other paths, `promotions` is the folder of a promotion log,
# `3.npz` is a version's file, and digits alone are a version's number.
PATTERN = r"(?!(?:[0-9]+|promotions|rollback|stats|[0-9]+\.npz)\Z)[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
EXPECTED = (
    "1 to 64 letters, digits, dots, hyphens and underscores that do not begin with a dot or hyphen "
    "and are not digits alone, promotions, rollback, stats or a number with .npz"
)


def is_model_name(text: str) -> bool:
    """Return whether a text can be a model's name."""
    return re.fullmatch(PATTERN, text) is not None
