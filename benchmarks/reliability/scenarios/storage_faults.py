"""The models folder full, read-only and deleted under a running service; needs root to mount it."""

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.installation import Installation, Service
from benchmarks.load.closed_loop import clients
from benchmarks.reliability.scenarios.versions import promote, publish
from registry import Registry

OPTIONS = {"layers": [8], "samples": 200, "max_seconds": 1, "force": True}


@dataclass(frozen=True)
class Storage:
    """The outcome.

    Attributes
    ----------
    requests, failed : of clients that send all the time
    answers : of a retraining and of a promotion, in each state of the folder
    """

    requests: int
    failed: int
    answers: dict[str, str]


def run(folder: Path) -> Storage:
    """Mount a small file system for the models and put it through the faults."""
    volume = folder / "volume"
    volume.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", volume], check=True)
    try:
        with Installation(folder / "rest", NUMNET_MODELS=str(volume / "models")) as installation:
            return _run(installation, volume)
    finally:
        subprocess.run(["umount", "--lazy", volume], check=True)


def _run(installation: Installation, volume: Path) -> Storage:
    models, backup = volume / "models", volume.parent / "backup"
    registry = Registry.local(models)
    first, second = publish(registry, [0, 1])
    promote(registry, first)
    service = installation.start_service()
    installation.start_trainer()
    answers: dict[str, str] = {}
    with clients(service.port, 4, 200.0) as load:
        answers |= _attempt(service, "at first", second)
        ballast = _fill(volume)
        answers |= _attempt(service, "full", second)
        ballast.unlink()
        answers |= _attempt(service, "space again", second)
        subprocess.run(["mount", "-o", "remount,ro", volume], check=True)
        answers |= _attempt(service, "read-only", second)
        subprocess.run(["mount", "-o", "remount,rw", volume], check=True)
        answers |= _attempt(service, "writable again", second)
        shutil.copytree(models, backup)
        shutil.rmtree(models)
        answers |= _attempt(service, "deleted", second)
        ready = requests.get(f"{service.url}/readyz", timeout=10)
        answers["deleted: readyz"] = str(ready.status_code)
        shutil.copytree(backup, models)
        answers |= _attempt(service, "restored", second)
        account = load.end()
    return Storage(len(account.answers), account.failed, answers)


def _attempt(service: Service, state: str, version: int) -> dict[str, str]:
    """Return how a retraining and a promotion end in a state of the folder."""
    job = service.finished(service.retrain(**OPTIONS))
    promotion = service.post(f"/models/{version}/promote")
    return {
        f"{state}: a retraining": f"{job['state']}: {job.get('error', 'published')}",
        f"{state}: a promotion": f"{promotion.status_code} {promotion.json().get('detail', '')}",
    }


def _fill(volume: Path) -> Path:
    """Fill a file system and return the file that does."""
    ballast = volume / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(512))
            file.flush()
    return ballast
