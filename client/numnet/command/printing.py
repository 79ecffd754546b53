"""Output for people and for programs.

Texts come from the service, from files of versions and from tables. A terminal obeys control
characters, so that none of them is written.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import click

_NOT_ESCAPED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # by json.dumps


def print_json(document: Any) -> None:
    """Write a JSON document in one line."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_NOT_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def printable(text: str) -> str:
    """Return a text with a replacement character for each one that is neither visible nor blank."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or unicodedata.category(each) == "Zs" else "\ufffd"
        for each in text
    )


def say(text: str, *, err: bool = False) -> None:
    """Write a line for people."""
    click.echo(printable(text), err=err)


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table, with numbers to the right."""
    cells = [[_cell(each) for each in row] for row in rows]
    names = [printable(name) for name in names]
    widths = [max(map(_width, column)) for column in zip(names, *cells, strict=True)]
    right = [
        bool(rows) and all(isinstance(row[place], int | float | None) for row in rows)
        for place in range(len(names))
    ]
    return [
        "  ".join(
            _padded(cell, width, to_right)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in (names, *cells)
    ]


def print_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table whose names are underlined on a terminal."""
    first, *others = table(names, rows)
    click.secho(first, bold=True)
    for line in others:
        click.echo(line)


def print_facts(facts: Mapping[str, object]) -> None:
    """Write names and values below each other, without those that are empty."""
    shown = {name: value for name, value in facts.items() if value not in (None, "", [], ())}
    width = max(map(_width, shown), default=0)
    for name, value in shown.items():
        values = value if isinstance(value, list) else [value]
        for place, each in enumerate(values):
            title = _padded("" if place else name, width, to_right=False)
            click.echo(f"{click.style(title, bold=True)}  {_cell(each)}")


def number(value: float | None, digits: int = 4) -> str:
    """Return a number for people, with some significant digits."""
    return "–" if value is None else f"{value:.{digits}g}"


def note(text: str) -> None:
    """Write a remark to standard error, so that it is not among the results."""
    click.secho(printable(text), fg="yellow", err=True)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return number(value) if isinstance(value, float) else printable(str(value))


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def _padded(text: str, width: int, to_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_right else text + blanks
