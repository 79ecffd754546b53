"""One-row bodies that are valid or almost valid, and an independent parser of them."""

import json
import math
from typing import Any, NoReturn

from hypothesis import strategies as st

FEATURES = ("x1", "a:b", "é", "load")

_ODD_VALUES = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0", "-0.0", "1E5", "1e+5"),
    *("1.", "01", "+1", ".5", "0x1", "1_000", "true", "false", "null", '"1.5"', '":"', "[1]"),
    *("{}", '{":":1}', '{"x1":1}', "9007199254740993", "18446744073709551615"),
    *("18446744073709551616", "-9223372036854775809", "1" + "0" * 308, "1" + "0" * 309, "9" * 5000),
)
_NUMBERS = (st.floats(allow_nan=False, allow_infinity=False) | st.integers()).map(repr)
_ODDITIES = ("drop", "repeat", "add", "rename", "value", "value", "blank", "end")
_OTHER_NAMES = ("X1", " x1", "x1 ", "x2", "", ":", "a:", "instances", "_schema", "e\u0301")


def _spellings(name: str) -> st.SearchStrategy[str]:
    escaped = [f"\\u{ord(letter):04x}" for letter in name]
    return st.sampled_from(
        [
            json.dumps(name, ensure_ascii=False),
            json.dumps(name, ensure_ascii=False),
            json.dumps(name),
            f'"{"".join(escaped)}"',
            f'"{"".join(escaped).upper().replace("U", "u")}"',
            json.dumps(name, ensure_ascii=False).replace(":", "\\u003a"),
        ]
    )


@st.composite
def one_row_bodies(draw: st.DrawFn) -> bytes:
    """Objects with one number per feature and up to two deviations."""
    pairs = [[name, draw(_NUMBERS)] for name in draw(st.permutations(FEATURES))]
    blank, end = draw(st.sampled_from(["", " ", "\n\t\r "])), ""
    for oddity in draw(st.lists(st.sampled_from(_ODDITIES), max_size=2)):
        place = draw(st.integers(0, len(pairs) - 1))
        if oddity == "drop" and len(pairs) > 1:
            del pairs[place]
        elif oddity == "repeat":
            pairs.insert(place, [draw(st.sampled_from(FEATURES)), draw(_NUMBERS)])
        elif oddity == "add":
            pairs.insert(place, [draw(st.sampled_from(_OTHER_NAMES)), draw(_NUMBERS)])
        elif oddity == "rename":
            pairs[place][0] = draw(st.sampled_from(_OTHER_NAMES))
        elif oddity == "value":
            pairs[place][1] = draw(st.sampled_from(_ODD_VALUES))
        elif oddity == "blank":
            blank = draw(st.sampled_from(["\x0b", "\ufeff", "\xa0"]))
        else:
            end = draw(st.sampled_from([" ", ",", "}", "\x00", "{}"]))
    cells = [f"{blank}{draw(_spellings(name))}:{blank}{value}{blank}" for name, value in pairs]
    return (f"{{{','.join(cells)}}}" + end).encode()


def valid_values(body: bytes) -> list[float] | None:
    """Return the values of a valid one-row body by the standard library, in the features' order."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        # An object becomes a tuple of pairs, so that repeated names are kept.
        pairs: Any = json.loads(body, object_pairs_hook=tuple, parse_constant=refuse)
    except ValueError:
        return None
    if type(pairs) is not tuple or sorted(name for name, _ in pairs) != sorted(FEATURES):
        return None
    row = dict(pairs)
    try:
        values = [float(row[name]) for name in FEATURES if type(row[name]) in (int, float)]
    except OverflowError:
        return None
    return values if len(values) == len(FEATURES) and all(map(math.isfinite, values)) else None
