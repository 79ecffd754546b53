"""JSON Lines: a row of JSON in every line (jsonlines.org)."""

import orjson
from werkzeug.exceptions import BadRequest

MEDIA_TYPES = tuple(
    f"application/{name}" for name in ("jsonlines", "x-jsonlines", "jsonl", "x-ndjson", "ndjson")
)


def as_instances(body: bytes) -> bytes:
    """Return the JSON `{"instances": [row, …]}` of a row per line; blank lines are skipped.

    Raises
    ------
    BadRequest
        a line is not JSON.
    """
    lines = body.splitlines()
    rows = [line for line in lines if line.strip()]
    if not rows:
        raise BadRequest("the body is empty; expected JSON Lines with one row per line")
    for number, line in enumerate(lines, 1):
        if line.strip():
            _check(line, number)
    return b'{"instances":[%b]}' % b",".join(rows)


def _check(line: bytes, number: int) -> None:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        hint = "; curl removes line ends with -d, and keeps them with --data-binary"
        lost = hint if b"}{" in line or b"][" in line else ""
        raise BadRequest(f"line {number} of the body is not JSON: {error}{lost}") from None
