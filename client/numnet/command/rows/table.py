"""Predicts a table with a client."""

import codecs
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from numnet.client import Client
from numnet.command.rows.answers import Answers
from numnet.command.rows.errors import TableError
from numnet.command.rows.head import find_head
from numnet.command.rows.prediction import TablePrediction
from numnet.command.rows.slices import SLICE_BYTES, Slices

_CSV = "text/csv"


def predict_table(
    client: Client,
    version: str,
    source: BinaryIO,
    output: BinaryIO,
    told: Callable[[int], object],
    *,
    name: str,
    encoding: str,
    query: Mapping[str, str],
) -> dict[str, Any]:
    """Write a table with its predictions.

    Parameters
    ----------
    version : that predicts all rows
    told : called with the number of rows so far
    name : of the table, for errors
    query : the options of `POST /predict`

    Returns
    -------
    A JSON object: the version, the numbers of rows and of warnings, the columns not used, and the
    features that have no column, with a column of a similar name that is not used.

    Raises
    ------
    TableError, NumnetError, OSError
    """
    card = client.card(version)
    features = _features(card)
    start = _start(source)
    head = find_head(start, features, _checked(encoding), name)
    kinds = {each.get("kind") for each in card.get("columns", [])}
    answers = Answers(card["targets"], "category" in kinds, head.delimiter, head.encoding)
    headers = {"Content-Type": f"{_CSV}; charset={head.encoding}", "Accept": _CSV}
    pinned = {**query, "version": version}
    path = client.path("/predict")

    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        answer = client.send("POST", path, body=body, headers=headers, query=pinned, safe=True)
        return answer.headers, answer.content

    table = TablePrediction(head, Slices(source, start, head), answers, ask)
    try:
        table.write(output, told)
    except TableError as error:
        raise TableError(f"{name}: {error}", error.cells) from error
    counts = table.counts
    return {
        "rows": counts.rows,
        "version": version,
        "extrapolating_rows": counts.extrapolating_rows,
        "unseen_rows": counts.unseen_rows,
        "unfamiliar_rows": counts.unfamiliar_rows,
        "ignored": head.ignored,
        "missing_columns": [
            {"name": name, "did_you_mean": similar}
            for name, similar in head.missing(features).items()
        ],
    }


def _features(card: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in card["features"]]


def _start(source: BinaryIO) -> bytes:
    """Return the first lines of a file."""
    start = b""
    while len(start) < SLICE_BYTES and (part := source.read(SLICE_BYTES - len(start))):
        start += part
    return start


def _checked(encoding: str) -> str:
    """Return the name of an encoding in which ASCII characters are bytes of their own."""
    try:
        name = codecs.lookup(encoding).name
        ascii_only = "".join(map(chr, range(128)))
        if ascii_only.encode(name) != ascii_only.encode():
            raise LookupError
    except (LookupError, UnicodeError):
        raise TableError(
            f"{encoding!r} cannot be read; expected utf-8, windows-1252 or a similar encoding"
        ) from None
    return name
