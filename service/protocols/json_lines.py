"""JSON Lines: a row of JSON in every line (jsonlines.org)."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
from werkzeug.exceptions import BadRequest

from service.model.rows.blocks import BLOCK_BYTES, RowBlocks
from service.web.bodies import check_values, reason_for

MEDIA_TYPES = tuple(
    f"application/{name}" for name in ("jsonlines", "x-jsonlines", "jsonl", "x-ndjson", "ndjson")
)
_LINE = re.compile(rb"[\r\n]*([^\r\n]+)")


def as_instances(body: bytes) -> dict[str, Any]:
    """Return `{"instances": …}` of a row per line; skip blank lines.

    Raises
    ------
    BadRequest
    """
    if not body.strip():
        raise BadRequest("the body is empty; expected JSON Lines with one row per line")
    return {"instances": LineBlocks(body, 0, len(body))}


class LineBlocks(RowBlocks):
    """The rows of lines."""

    def __iter__(self) -> Iterator[tuple[list[Any], bytes]]:
        """Yield the rows of each block of lines, parsed, and as a JSON list.

        Raises
        ------
        BadRequest, RequestEntityTooLarge
        """
        rows, lines, size = list[Any](), list[bytes](), 0
        for found in _LINE.finditer(self.body):
            if not (line := found[1]).strip():
                continue
            rows.append(self._row(line, found.start(1)))
            lines.append(line)
            size += len(line)
            if size >= BLOCK_BYTES:
                yield rows, b"[%b]" % b",".join(lines)
                rows, lines, size = [], [], 0
        if rows:
            yield rows, b"[%b]" % b",".join(lines)

    def _row(self, line: bytes, start: int) -> Any:
        check_values(line)
        try:
            return orjson.loads(line)
        except orjson.JSONDecodeError as error:
            hint = "; curl removes line ends with -d, and keeps them with --data-binary"
            lost = hint if b"}{" in line or b"][" in line else ""
            number = self._number(start)
            reason = reason_for(error, line)
            raise BadRequest(f"line {number} of the body is not JSON: {reason}{lost}") from None

    def _number(self, start: int) -> int:
        """Return the number of the line that starts there, from 1."""
        ends = [self.body.count(end, 0, start) for end in (b"\n", b"\r", b"\r\n")]
        return 1 + ends[0] + ends[1] - ends[2]
