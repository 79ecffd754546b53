"""A process that starts servers under test quickly, as it has imported what they need."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.patience import DEADLINE_SECONDS
from tests.service.server.harness.configuration import Configuration

ROOT = Path(__file__).resolve().parents[4]


class Launcher:
    """Starts servers; to be used as a context manager."""

    def __enter__(self) -> Self:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.server.harness"],
            cwd=ROOT,
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=DEADLINE_SECONDS)

    def start(self, configuration: Configuration, folder: Path) -> int:
        """Start a server and return the id of its master process.

        Its output goes to `stdout` and `stderr` in the folder, its exit status to `exit`.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([configuration.dump(), str(folder)]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())
