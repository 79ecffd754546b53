"""`python -m trainer.heartbeat`: check that the trainer in this container is alive.

A container's health check runs it every few seconds, so it imports the standard library alone. The
trainer touches a file in its temporary folder, which no other container shares.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

INTERVAL_SECONDS = 5.0
TIMEOUT_SECONDS = 30.0


class Heartbeat:
    """The heartbeat of one trainer: the time when a file was last touched."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or _default_path()
        self._due = 0.0

    def beat(self) -> None:
        """Touch the file, unless that was done within `INTERVAL_SECONDS`. Ignore failures."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + INTERVAL_SECONDS
        try:
            # another user may have put a link or a named pipe in a shared temporary folder
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self._path, flags, 0o600)
        except OSError:
            return
        os.utime(descriptor)
        os.close(descriptor)

    def age(self) -> float:
        """Return the seconds since the last beat; infinite if there was none."""
        try:
            return max(0.0, time.time() - self._path.stat().st_mtime)
        except OSError:
            return float("inf")


def _default_path() -> Path:
    return Path(tempfile.gettempdir()) / f"numnet-trainer-{os.getuid()}"


def main() -> int:
    age = Heartbeat().age()
    known = age < float("inf")
    print(f"the trainer's last heartbeat was {age:.0f} s ago" if known else "no heartbeat yet")
    return 0 if age < TIMEOUT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
