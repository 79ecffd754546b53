"""A progress bar on standard error, if that is a terminal."""

import os
import sys
from types import TracebackType
from typing import Any, BinaryIO, Self


class TableProgress:
    """Shows how much of a table was read. Called with the number of rows so far.

    Parameters
    ----------
    raw : the file, whose position shows how much was read
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._bar: Any = None
        self._total: float | None = None

    def __enter__(self) -> Self:
        if not sys.stderr.isatty():
            return self
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        size = os.fstat(self._raw.fileno()).st_size
        self._total = size if self._raw.seekable() and size else None
        rows = TextColumn("{task.fields[rows]:,} rows")
        self._bar = Progress(
            BarColumn(), rows, TimeRemainingColumn(), console=Console(stderr=True), transient=True
        )
        self._bar.start()
        self._task = self._bar.add_task("", total=self._total, rows=0)
        return self

    def __call__(self, rows: int) -> None:
        if self._bar is not None:
            done = self._raw.tell() if self._total else None
            self._bar.update(self._task, completed=done, rows=rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
