"""Words in table cells that stand for a missing cell or for a boolean."""

MISSING = frozenset(("", "?", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none"))
MISSING_NUMBERS = MISSING.union(
    ("-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "n.a.", "n.d.", "nd", "nil"),
    ("missing", "unknown", "undefined", "not available", "no data", "(null)", "(blank)", "tbd"),
    ("k.a.", "k. a.", "keine angabe", "unbekannt", "n.v.", "n.b.", "s/d", "inconnu", "desconocido"),
    ("#value!", "#div/0!", "#ref!", "#name?", "#num!", "#null!"),  # Excel's errors
)
BOOLEANS = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"))


def is_missing(text: str, *, among_numbers: bool = False) -> bool:
    """Return whether a cell is missing: empty, or a word that table tools write for it.

    Parameters
    ----------
    among_numbers : whether the column's other cells are numbers or dates, so that "-" and "unknown"
        are missing, too
    """
    return text.strip().casefold() in (MISSING_NUMBERS if among_numbers else MISSING)


def parse_boolean(text: str, words: tuple[str, str]) -> bool | None:
    """Return whether a text is the second of two words, in any case; None if it is neither."""
    false, true = (word.casefold() for word in words)
    return {false: False, true: True}.get(text.strip().casefold())
