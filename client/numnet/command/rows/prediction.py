"""Sends slices of a table while others are read and written, two requests at a time."""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import BinaryIO

from numnet.command.rows.answers import Answers
from numnet.command.rows.errors import TableError, WrongCell
from numnet.command.rows.head import Head
from numnet.command.rows.slices import Slice, Slices
from numnet.errors import BadResponse, ContentTooLarge, InvalidInput

IN_FLIGHT = 2
_COUNTS = {
    "extrapolating_rows": "X-Extrapolating-Rows",
    "unseen_rows": "X-Unseen-Rows",
    "unfamiliar_rows": "X-Unfamiliar-Rows",
}

Response = tuple[Mapping[str, str], bytes]  # headers, and CSV
Ask = Callable[[bytes], Response]  # posts a body as CSV


@dataclass
class Counts:
    """Numbers of rows: all, and those with warnings."""

    rows: int = 0
    extrapolating_rows: int = 0
    unseen_rows: int = 0
    unfamiliar_rows: int = 0

    def add(self, headers: Mapping[str, str]) -> None:
        """Add those of a response."""
        for name, header in _COUNTS.items():
            setattr(self, name, getattr(self, name) + int(headers.get(header, 0)))


@dataclass
class TablePrediction:
    """Predicts the rows of a table.

    Parameters
    ----------
    ask : thread-safe
    """

    head: Head
    slices: Slices
    answers: Answers
    ask: Ask
    counts: Counts = field(default_factory=Counts)

    def write(self, output: BinaryIO, told: Callable[[int], object]) -> None:
        """Write the table with further columns.

        Parameters
        ----------
        told : called with the number of rows that were written

        Raises
        ------
        TableError
        NumnetError
        """
        written = False
        for found, responses in self._answered():
            added = self._added(found, responses)
            if not written:
                names = self.answers.header(self.head.names)
                joined = self.head.text + self.head.delimiter.encode() + names
                output.write(joined + self.head.line_end)
                written = True
            output.write(self._joined(found, added))
            self.counts.rows += len(added)
            told(self.counts.rows)
        if not written:
            raise TableError("there are no rows below the names")

    def _answered(self) -> Iterator[tuple[Slice, list[Response]]]:
        """Yield slices in their order with their responses. An error cancels the others."""
        waiting: deque[Future[tuple[Slice, list[Response]]]] = deque()
        pool = ThreadPoolExecutor(IN_FLIGHT, "slices")
        try:
            for found in self.slices:
                waiting.append(pool.submit(self._predict, found))
                if len(waiting) > IN_FLIGHT:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _predict(self, found: Slice) -> tuple[Slice, list[Response]]:
        """Return the responses to a slice, and the slice as `csv` reads it if that is different."""
        if not found.records:
            return found, []
        responses = self._ask(found.body, found.lines)
        predicted = sum(content.count(b"\n") - 1 for _, content in responses)
        if predicted < len(found.records) and not found.is_parsed:
            found = self.slices.parsed(found)  # such as a line of blanks
            responses = self._ask(found.body, found.lines)
        return found, responses

    def _ask(self, body: bytes, lines: Sequence[int]) -> list[Response]:
        """Return the response to some rows; several if they are too many for one request.

        Parameters
        ----------
        lines : of the file, in which the rows begin
        """
        try:
            return [self.ask(self.head.sent + body)]
        except InvalidInput as error:
            if (found := _wrong_cells(lines, error)) is None:
                raise
            raise found from error
        except ContentTooLarge:
            rows = list(csv.reader(io.StringIO(body.decode(self.head.encoding), newline="")))
            if len(rows) < 2:
                raise
            middle = len(rows) // 2
            halves = (rows[:middle], lines[:middle]), (rows[middle:], lines[middle:])
            return [each for half, of in halves for each in self._ask(self.head.to_csv(half), of)]

    def _added(self, found: Slice, responses: list[Response]) -> list[bytes]:
        """Return the cells that are added to each record. Count the rows with warnings."""
        added = list[bytes]()
        for headers, content in responses:  # not all of them have the same columns
            added += self.answers.lines(content)
            self.counts.add(headers)
        if len(added) != len(found.records):
            raise BadResponse(
                f"the service answered {len(added):,} lines for {len(found.records):,} rows "
                f"from line {found.lines[0]:,} on"
            )
        return added

    def _joined(self, found: Slice, added: list[bytes]) -> bytes:
        """Return the records with the added cells behind them."""
        count = len(added)
        parts = [self.head.delimiter.encode()] * (4 * count)
        parts[::4] = found.records
        parts[2::4] = added
        parts[3::4] = found.ends or [self.head.line_end] * count
        return found.before + b"".join(parts)


def _wrong_cells(lines: Sequence[int], error: InvalidInput) -> TableError | None:
    """Return the error with the lines of the file; None if it is about anything but cells."""
    cells = list[WrongCell]()
    for each in error.errors:
        _, _, place = each.pointer.partition("/instances/")
        row, _, column = place.partition("/")
        if not row.isdecimal() or int(row) >= len(lines):
            return None
        name = column.replace("~1", "/").replace("~0", "~")
        cells.append(WrongCell(lines[int(row)], name, each.detail))
    if not cells:
        return None
    first = str(cells[0])
    others = f"; and {len(cells) - 1} more wrong cells" if len(cells) > 1 else ""
    return TableError(first + others, tuple(cells))
