"""The rows of a long JSON body, parsed block by block, so that memory never holds all of them.

A block ends before a comma, after a bracket or brace if there is one. If that was inside a row or a
text, the block is no sequence of JSON values, and a later end is tried. If a block is one, it has
the same values as in the whole body, because JSON is read from left to right.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from werkzeug.exceptions import BadRequest

from network import Array
from service.model.rows.refusals import Refusals
from service.web.bodies import LONG_BYTES, parse, wrong_number
from service.web.errors import MAX_ERRORS, InvalidInput
from service.web.field_errors import Error

BLOCK_BYTES = 128 * 1024
_TRIES = 8  # ends of a block
_TAIL_BYTES = 512


def _pattern(text: str) -> re.Pattern[bytes]:
    """Compile a pattern in which a space stands for any white space of JSON."""
    return re.compile(text.replace(" ", r"[ \t\r\n]*").encode())


# other members that a protocol knows, with values that say nothing about the rows
_OTHER = r'("(?:signature_name|params)" : (?:"[^"\\]{0,100}"|\{ \}|null))'
_HEAD = _pattern(rf' \{{ (?:{_OTHER} , )?"([a-z_]+)" : \[')
_TAIL = _pattern(rf" \] (?:, {_OTHER} )?\}} \Z")
# what rows begin with, and what is between two of them
_OPENING = _pattern(r" (\[ \[|[\[{]|)")
_ENDS = {b"{": _pattern(r"\} (,)"), b"[": _pattern(r"\] (,)"), b"[[": _pattern(r"\] \] (,)")}
_COMMA = _pattern("(,)")


class NotInBlocks(Exception):  # the body may still be valid
    """The body cannot be divided: it has to be parsed whole."""


@dataclass(frozen=True)
class RowBlocks:
    """The items of the only list in a body.

    Attributes
    ----------
    start, end : of the items in the body
    """

    body: bytes
    start: int
    end: int

    def __iter__(self) -> Iterator[tuple[list[Any], bytes]]:
        """Yield the items of each block, parsed, and its JSON.

        Raises
        ------
        NotInBlocks, BadRequest
        """
        start = self.start
        while start <= self.end:
            rows, text, start = self._block(start)
            yield rows, text

    def whole(self) -> Any:
        """Parse the body that cannot be divided.

        Raises
        ------
        BadRequest, RequestEntityTooLarge
        """
        return parse(self.body)

    def _block(self, start: int) -> tuple[list[Any], bytes, int]:
        """Return the items from here, their JSON, and the start of the next block."""
        following = start + BLOCK_BYTES
        opening = _OPENING.match(self.body, start)
        marks = b"".join(opening[1].split()) if opening else b""
        end_of_row = _ENDS.get(marks, _COMMA)
        for _ in range(_TRIES):
            limit = min(following + BLOCK_BYTES, self.end)
            place = (self.body, following, limit)
            if found := end_of_row.search(*place) or _COMMA.search(*place):
                stop, following = found.start(1), found.end()
            elif limit == self.end:
                stop, following = self.end, self.end + 1
            else:
                break
            text = b"[%b]" % self.body[start:stop]
            try:
                rows = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                if reason := wrong_number(error, start - len(b"[")):
                    raise BadRequest(f"the body is not JSON: {reason}") from None
                continue
            if not rows:
                break
            return rows, text, following
        raise NotInBlocks


def collect_blocks(
    refusals: Refusals, features: int, blocks: Iterable[tuple[int, Callable[..., Array]]]
) -> Array:
    """Return the matrix (N, features) of all blocks.

    Parameters
    ----------
    blocks : the number of rows of each, and what returns its matrix; that takes the index of the
        first row as `first`

    Raises
    ------
    InvalidInput
        with the errors of all blocks, as far as they are listed in one response.
    """
    numbers, errors, rows = bytearray(), list[Error](), 0
    for count, read in blocks:
        try:
            X = read(first=rows)
            if not errors:
                numbers += X.data.cast("B")
        except InvalidInput as wrong:
            errors += [error for error in wrong.errors if error not in errors]
            if len(errors) >= MAX_ERRORS:
                break
        rows += count
    if errors:
        raise refusals.invalid(errors)
    return np.frombuffer(numbers).reshape(-1, features)


def parse_rows(body: bytes, members: Collection[str]) -> object:
    """Parse JSON; if it is long and has one of these members, that is `RowBlocks`.

    Raises
    ------
    BadRequest, RequestEntityTooLarge
    """
    if len(body) > LONG_BYTES and (head := _HEAD.match(body)) is not None:
        tail = _TAIL.search(body[-_TAIL_BYTES:])
        if tail is not None and (name := head[2].decode()) in members and not (head[1] and tail[1]):
            others = orjson.loads(b"{%b}" % (head[1] or tail[1] or b""))
            return {**others, name: RowBlocks(body, head.end(), len(body) - len(tail[0]))}
    return parse(body)
