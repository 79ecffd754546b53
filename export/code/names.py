"""Names of columns, which may be any text, in source code."""

import json
import re
import unicodedata
from collections.abc import Iterable

MAX_IDENTIFIER = 40  # characters of a name; C distinguishes 63, prefix and suffix included
_NO_LETTERS = re.compile(r"[^A-Za-z0-9]+")
# pairs that end or begin a comment, end a script in HTML, or are replaced before C is parsed
_PAIRS = re.compile(r"(?<=[*/<?-])(?=[*/!?-])")


def identifiers(names: Iterable[str]) -> list[str]:
    """Return different texts of A-Z, 0-9 and _ for names, to be used behind a prefix."""
    found: list[str] = []
    for name in names:
        ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        cleaned = _NO_LETTERS.sub("_", ascii_name).strip("_").upper()[:MAX_IDENTIFIER]
        cleaned = identifier = cleaned or "COLUMN"
        number = 1
        while identifier in found:
            number += 1
            identifier = f"{cleaned}_{number}"
        found.append(identifier)
    return found


def quoted(text: str) -> str:
    """Return a text in quotes, in one line, which can end no comment and no script.

    Characters that are not printable, such as those that change the direction of writing, are
    escaped as in JSON.
    """
    shown = json.dumps(text, ensure_ascii=False)
    shown = "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in shown)
    return _PAIRS.sub(r"\\", shown)
