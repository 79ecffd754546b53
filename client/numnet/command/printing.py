"""Output for people and for programs."""

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_json(document: Any) -> None:
    """Write a JSON document in one line."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a table, with numbers to the right."""
    cells = [[_cell(each) for each in row] for row in rows]
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
        for line in (list(names), *cells)
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
    click.secho(text, fg="yellow", err=True)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return number(value) if isinstance(value, float) else str(value)


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def _padded(text: str, width: int, to_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_right else text + blanks
