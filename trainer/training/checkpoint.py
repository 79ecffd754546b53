"""Checkpoints: the state of an unfinished training on disk, to resume from after a crash.

One `.npz` file per training holds its arrays, and a JSON document with their places in the state.
JSON keeps every float64 exactly. The file is replaced as a whole, so that a crash leaves the last
one.
"""

import hashlib
import json
import math
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from network import Array
from registry.files import durable_file
from registry.files.regular_file import open_regular
from trainer.errors import CheckpointError
from trainer.solvers import State

INTERVAL_SECONDS = 10.0
ABANDONED_SECONDS = 7 * 24 * 3600.0
MAX_SHARE = 0.05  # of the time, for writing checkpoints
# raised by NumPy and zipfile for a file that is damaged, truncated or not a checkpoint
_DAMAGES = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile)


class Checkpoint:
    """The checkpoint file of one training.

    Parameters
    ----------
    folder : created if it does not exist
    identity : everything that decides the course of the training; names the file
    interval_seconds : the minimum between two writes, longer if writing is slow
    warn : called with the reason if checkpoints cannot be written
    """

    def __init__(
        self,
        folder: Path,
        identity: dict[str, Any],
        interval_seconds: float = INTERVAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        warn: Callable[[str], None] = lambda reason: None,
    ) -> None:
        text = json.dumps(identity, sort_keys=True, default=str)
        self.path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
        self._interval = interval_seconds
        self._warn = warn
        self._clock = clock
        self._due = clock() + interval_seconds

    def save_if_due(self, make_state: Callable[[], State]) -> None:
        """Write the state if the last write was long enough ago.

        If it cannot be written, the training continues without checkpoints, after one warning.
        """
        started = self._clock()
        if started >= self._due and self.save(make_state):
            took = self._clock() - started
            self._due = self._clock() + max(self._interval, took / MAX_SHARE)

    def save(self, make_state: Callable[[], State]) -> bool:
        """Write the state now; return False after a warning if it cannot be written."""
        try:
            self.write(make_state())
        except CheckpointError as error:
            self._warn(f"{error}: continuing without checkpoints")
            self._due = math.inf
            return False
        return True

    def write(self, state: State) -> None:
        """Replace the file.

        Raises
        ------
        CheckpointError
            it cannot be written; the file written before remains.
        """
        arrays: dict[str, Array] = {}
        document = json.dumps(_without_arrays(state, arrays))
        try:
            with durable_file.replace(self.path) as file:
                np.savez(file, document=np.frombuffer(document.encode(), np.uint8), **arrays)  # type: ignore[arg-type]  # numpy's stub takes no array names
        except OSError as error:
            raise CheckpointError(
                f"cannot write the checkpoint {self.path}: {error.strerror}"
            ) from error

    def read(self) -> State | None:
        """Return the state written last, or None if there is none.

        Raises
        ------
        CheckpointError
            the file cannot be read, or is damaged.
        """
        try:
            with open_regular(self.path) as opened, np.load(opened, allow_pickle=False) as file:
                document = json.loads(file["document"].tobytes())
                state: State = _with_arrays(document, file)
                return state
        except FileNotFoundError:
            return None
        except _DAMAGES as error:
            raise CheckpointError(
                f"{self.path} is not a readable checkpoint ({error}): remove it to start "
                f"from scratch"
            ) from error

    def remove(self) -> None:
        """Remove the file, and temporary files that a killed process may have left."""
        with suppress(OSError):  # a file that remains does no harm
            for path in (
                self.path,
                *durable_file.leftovers(self.path.parent, self.path.name),
            ):
                path.unlink(missing_ok=True)


def remove_abandoned(folder: Path, now: Callable[[], float] = time.time) -> None:
    """Remove checkpoints that are older than a week."""
    for path in folder.glob("*"):
        with suppress(OSError):
            if now() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()


def _without_arrays(value: Any, arrays: dict[str, Array]) -> Any:
    """Return the value with its arrays moved to `arrays`, and their names in their places."""
    if isinstance(value, np.ndarray):
        name = f"array_{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, dict):
        return {key: _without_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_arrays(each, arrays) for each in value]
    return value


def _with_arrays(value: Any, arrays: Any) -> Any:
    """Return the value that `_without_arrays` was given."""
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return arrays[value["array"]]
        return {key: _with_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_arrays(each, arrays) for each in value]
    return value
