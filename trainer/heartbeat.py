"""`python -m trainer.heartbeat`: whether the worker in this container still gives signs of life.

For a container's health check, every few seconds: the standard library alone. The worker touches a
file of its machine's temporary folder, which a container has for itself.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

BEAT_SECONDS = 5.0
PATIENCE_SECONDS = 30.0


class Heartbeat:
    """The signs of life of one worker."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or _default_path()
        self._due = 0.0

    def beat(self) -> None:
        """Give one, unless the last one is fresh. Where that fails, there is none."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + BEAT_SECONDS
        try:
            # not through a link that somebody else may have put there
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
        except OSError:
            return
        os.utime(descriptor)
        os.close(descriptor)

    def age(self) -> float:
        """Seconds since the last one; infinite where there was none."""
        try:
            return max(0.0, time.time() - self._path.stat().st_mtime)
        except OSError:
            return float("inf")


def _default_path() -> Path:
    return Path(tempfile.gettempdir()) / f"numnet-worker-{os.getuid()}"


def main() -> int:
    age = Heartbeat().age()
    known = age < float("inf")
    print(
        f"the worker's last sign of life is {age:.0f} s old" if known else "no worker was here yet"
    )
    return 0 if age < PATIENCE_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
