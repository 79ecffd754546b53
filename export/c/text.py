"""Texts in C."""

_ESCAPED = frozenset('"\\?')  # two question marks may begin a trigraph


def literal(text: str) -> str:
    """Return a string literal of ASCII characters, whose value is a text in UTF-8."""
    return '"' + "".join(map(_character, text.encode())) + '"'


def _character(byte: int) -> str:
    character = chr(byte)
    is_plain = " " <= character <= "~" and character not in _ESCAPED
    return character if is_plain else f"\\{byte:03o}"
