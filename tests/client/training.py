"""A service with a trainer, both processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import ROOT, Service
from tests.patience import DEADLINE_SECONDS


@contextmanager
def training_service(folder: Path) -> Iterator[Service]:
    """Run both in a folder, without a version at first."""
    settings = {"NUMNET_DATA": str(folder / "data")}
    running = Service(folder / "models", folder / "out", settings=settings)
    running.start()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    with (folder / "trainer.log").open("wb") as log:
        trainer = subprocess.Popen(
            [sys.executable, "-m", "trainer.worker"],
            cwd=ROOT,
            env={
                **kept,
                **settings,
                "NUMNET_MODELS": str(running.models),
                "NUMNET_STATE": str(running.output / "state"),
            },
            stderr=log,
        )
    yield running
    trainer.send_signal(signal.SIGTERM)
    assert trainer.wait(DEADLINE_SECONDS) == 0, (folder / "trainer.log").read_text()
    assert running.stop() == 0
