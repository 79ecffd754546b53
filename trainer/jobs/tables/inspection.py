"""Has a table read by a process of its own, as a training would read it."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.data.reading.options import Missing
from trainer.errors import DataError, InspectionFailed, InspectorBusy

_PROGRAM = (sys.executable, "-m", "trainer.data.reading")
_ROOT = Path(__file__).resolve().parents[3]
_one_at_a_time = threading.Lock()  # because each may need as much memory as a training


@dataclass(frozen=True)
class Columns:
    """Which columns a training would use, and how it would read them.

    Attributes
    ----------
    targets, features, weights : as `trainer.data.reading.description.describe_file` takes them
    encoding, categories, missing : as `trainer.data.reading.options.ReadingOptions` takes them
    """

    targets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    weights: str | None = None
    encoding: str | None = None
    categories: tuple[str, ...] = ()
    missing: Missing = "impute"


def inspect(path: Path, source: str, columns: Columns, timeout_seconds: float) -> dict[str, Any]:
    """Return what a training would understand of a file, as `describe_file` returns it.

    One file is read at a time.

    Raises
    ------
    DataError
        a training would refuse the file.
    InspectionFailed
        it takes too much time or memory to find out.
    InspectorBusy
        another one takes all of the time.
    """
    deadline = time.monotonic() + timeout_seconds
    if not _one_at_a_time.acquire(timeout=timeout_seconds):
        raise InspectorBusy("another table is being checked")
    try:
        return _inspect(path, source, columns, max(0.0, deadline - time.monotonic()))
    finally:
        _one_at_a_time.release()


def _inspect(path: Path, source: str, columns: Columns, timeout_seconds: float) -> dict[str, Any]:
    asked = {"path": str(path.absolute()), "source": source, **asdict(columns)}
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program
            _PROGRAM,
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InspectionFailed(
            f"reading it took longer than {timeout_seconds:.0f} seconds, so it is too large to be "
            "checked here; copy it into the data folder, and a job will check it"
        ) from None
    if done.returncode:
        raise InspectionFailed(
            "the process that read it ended early; reading it may need more memory than there is"
        )
    document: dict[str, Any] = json.loads(done.stdout)
    if "error" in document:
        raise DataError(document["error"], document["without_cells"])
    table: dict[str, Any] = document["table"]
    return table
