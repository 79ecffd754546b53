"""Values of the label `model`: the names of at most 100 models, so that a scrape stays small.

These are the first models that any server process met. Their names are the lines of an anonymous
file, created before the fork. A process adds a line while it holds a lock on the file, which the
system releases if the process is killed. So all server processes agree on the names.
"""

import fcntl
import os
import threading

from service.telemetry.anonymous_file import anonymous_file
from service.telemetry.metric_families import OTHER

MOST_MODELS = 100  # with labels of their own, in all server processes together
_NAMED_OTHER = f"{OTHER} (model)"  # which is no model's name
_READ_BYTES = 1 << 16  # more than 100 names have


class ModelLabels:
    """The labels of models. Safe to share between threads."""

    def __init__(self) -> None:
        self._file = anonymous_file(self, "numnet-models")
        self._known: frozenset[str] = frozenset()
        self._lock = threading.Lock()  # the system's lock is of a whole process

    def label(self, model: str) -> str:
        """Return the label of a model: its name, or `other` if it is not among the first 100.

        The file is read only when this process meets another model, and not any more when it is
        full.
        """
        if model not in self._known and len(self._known) < MOST_MODELS:
            with self._lock:
                fcntl.lockf(self._file, fcntl.LOCK_EX)
                try:
                    self._add(model)
                finally:
                    fcntl.lockf(self._file, fcntl.LOCK_UN)
        return own_label(model) if model in self._known else OTHER

    def models(self) -> frozenset[str]:
        """Return the models that have labels of their own."""
        return frozenset(self._lines().decode().splitlines())

    def _add(self, model: str) -> None:
        """Add a model if there is room."""
        lines = self._lines()
        known = frozenset(lines.decode().splitlines())
        if model not in known and len(known) < MOST_MODELS:
            os.pwrite(self._file, f"{model}\n".encode(), len(lines))
            known |= {model}
        self._known = known

    def _lines(self) -> bytes:
        """Return the complete lines: a process may have been killed while it wrote one."""
        content = os.pread(self._file, _READ_BYTES, 0)
        return content[: content.rfind(b"\n") + 1]


def own_label(model: str) -> str:
    """Return the label of a model that is not counted together with others.

    It is the name, except that of a model with the name `other`.
    """
    return _NAMED_OTHER if model == OTHER else model


def model_of(label: str) -> str | None:
    """Return the model with a label; None for `other`, which several models have."""
    if label == OTHER:
        return None
    return OTHER if label == _NAMED_OTHER else label
