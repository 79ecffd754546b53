"""`POST /predict`: rows of any number and kind, all of them answered by one version."""

import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from numnet.errors import ContentTooLarge, Problem, problem
from numnet.results import Predictions
from numnet.rows import Block
from numnet.rows.block import JSON, NPY
from numnet.transport import Answer, Transport

_COMPRESSED_FROM_BYTES = 16 * 1024
_CELL = re.compile(r"/instances/([0-9]+)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Options:
    """What a prediction is to have.

    Attributes
    ----------
    interval : level of the intervals; None for none
    explain : whether to explain
    version : that predicts; None for the current one
    """

    interval: float | None = None
    explain: bool = False
    version: str | int | None = None

    def query(self, version: str | None = None) -> dict[str, str]:
        """Return the query parameters.

        Parameters
        ----------
        version : by default that of the options
        """
        version = version or (None if self.version is None else str(self.version))
        return {
            **({} if self.interval is None else {"interval": str(self.interval)}),
            **({"explain": "true"} if self.explain else {}),
            **({} if version is None else {"version": version}),
        }


@dataclass(frozen=True)
class PredictRequests:
    """The requests of one call: to one path, with the same options.

    Attributes
    ----------
    answered : the predictions of the blocks so far
    """

    transport: Transport
    path: str
    options: Options
    answered: list[Predictions] = field(default_factory=list)

    @property
    def version(self) -> str | None:
        """The version that answered the first block; None before."""
        return self.answered[0].version if self.answered else None

    def post(self, content: bytes, media_type: str, *, accept: str = JSON) -> Answer:
        """Send rows. A long body of text is compressed, unless the service is on this machine.

        Raises
        ------
        NumnetError
        """
        headers = {"Content-Type": media_type, "Accept": accept}
        if is_compressed(self.transport.url, media_type, len(content)):
            content = gzip.compress(content, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        query = self.options.query(self.version)
        return self.transport.send(
            "POST", self.path, body=content, headers=headers, query=query, safe=True
        )

    def post_block(self, block: Block, read: Callable[[Answer], Predictions]) -> None:
        """Send a block of rows, to the version that answered the first block.

        A block that is too large for the service is sent in halves.

        Parameters
        ----------
        read : a response

        Raises
        ------
        NumnetError
            whose pointers count from the first row of the first block.
        """
        waiting: list[Block] = [block]
        while waiting:
            block = waiting.pop()
            try:
                answer = self.post(block.content(), block.media_type)
            except ContentTooLarge:
                halves = block.halves()
                if halves is None:
                    raise
                waiting += reversed(halves)
            except Problem as error:
                first = sum(map(len, self.answered))
                raise _in_table(error, first, getattr(block, "names", ())) from None
            else:
                self.answered.append(read(answer))


def is_compressed(url: str, media_type: str, length: int) -> bool:
    """Return whether a body is compressed: text is, if it is long and goes over a network."""
    host = urlsplit(url).hostname or ""
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    return length >= _COMPRESSED_FROM_BYTES and not is_local and media_type != NPY


def _in_table(error: Problem, first: int, names: Sequence[str]) -> Problem:
    """Return an error of a block with pointers into the whole table.

    Parameters
    ----------
    first : the index of the block's first row
    names : of the columns, if they are to stand in place of their indices
    """
    entries = error.document.get("errors")
    if not isinstance(entries, list) or not (first or names):
        return error
    document = {**error.document, "errors": [_moved(entry, first, names) for entry in entries]}
    return problem(error.status, document, error.request_id, error.retry_after_seconds)


def _moved(entry: Any, first: int, names: Sequence[str]) -> Any:
    found = _CELL.fullmatch(str(entry.get("pointer"))) if isinstance(entry, dict) else None
    if found is None:
        return entry
    row, cell = f"/instances/{first + int(found[1])}", found[2]
    if cell[1:].isdecimal() and int(cell[1:]) < len(names):
        name = names[int(cell[1:])].replace("~", "~0").replace("/", "~1")  # RFC 6901
        cell = f"/{name}"
    return {**entry, "pointer": row + cell}
