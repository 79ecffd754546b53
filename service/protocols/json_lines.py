"""JSON Lines: a row of JSON in every line (jsonlines.org)."""

from typing import Any

import orjson
from werkzeug.exceptions import BadRequest

MEDIA_TYPES = tuple(
    f"application/{name}" for name in ("jsonlines", "x-jsonlines", "jsonl", "x-ndjson", "ndjson")
)


def as_instances(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Return `{"instances": [row, …]}` of a row per line, parsed and as JSON; skip blank lines.

    Raises
    ------
    BadRequest
        a line is not JSON.
    """
    lines = {number: line for number, line in enumerate(body.splitlines(), 1) if line.strip()}
    if not lines:
        raise BadRequest("the body is empty; expected JSON Lines with one row per line")
    rows = [_row(line, number) for number, line in lines.items()]
    return {"instances": rows}, b'{"instances":[%b]}' % b",".join(lines.values())


def _row(line: bytes, number: int) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        hint = "; curl removes line ends with -d, and keeps them with --data-binary"
        lost = hint if b"}{" in line or b"][" in line else ""
        raise BadRequest(f"line {number} of the body is not JSON: {error}{lost}") from None
