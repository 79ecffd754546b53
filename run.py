"""`make run`: the service and the trainer together, until the service ends.

A trainer that ends is restarted, and its job resumes from the last checkpoint. SIGINT, SIGTERM and
SIGHUP stop both gracefully, a second signal immediately. If this process is killed, Linux stops
both.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MIN_PAUSE_SECONDS = 1.0  # between two starts of the trainer; doubled while it keeps ending
MAX_PAUSE_SECONDS = 30.0
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

Process = subprocess.Popen[bytes]


@dataclass
class Pair:
    """The two processes, and the number of signals that asked them to stop."""

    service: Process
    trainer: Process
    stop_signals: int = 0

    def stop(self, number: int, frame: object) -> None:
        """Handle a signal."""
        self.stop_signals += 1
        # SIGQUIT makes gunicorn drop the requests in flight
        for process, kill in ((self.service, signal.SIGQUIT), (self.trainer, signal.SIGKILL)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM if self.stop_signals == 1 else kill)


def main() -> int:
    """Start both processes and return the exit code of the service."""
    with _signals_blocked():
        pair = Pair(_start("service"), _start("trainer.worker"))
        if sys.stderr.isatty():
            _start("welcome")
        for number in SIGNALS:
            signal.signal(number, pair.stop)
    _restart_trainer_until_service_ends(pair)
    if not pair.stop_signals:
        pair.trainer.terminate()  # not twice: a second signal ends it immediately
    pair.trainer.wait()
    code: int = pair.service.returncode
    return code if code >= 0 else 128 - code


def _restart_trainer_until_service_ends(pair: Pair) -> None:
    pause, started = MIN_PAUSE_SECONDS, time.monotonic()
    while pair.service.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            pair.service.wait(timeout=0.2)
        with _signals_blocked():  # a signal during the start would not reach the new trainer
            ended = pair.trainer.poll() is not None and pair.service.poll() is None
            age = time.monotonic() - started
            if ended and not pair.stop_signals and age > pause:
                lasted = age >= 2 * MAX_PAUSE_SECONDS
                pause = MIN_PAUSE_SECONDS if lasted else min(2 * pause, MAX_PAUSE_SECONDS)
                print(f"the trainer ended ({pair.trainer.returncode}): restart", file=sys.stderr)
                pair.trainer, started = _start("trainer.worker"), time.monotonic()


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _start(module: str) -> Process:
    """Start a process in its own session, so that the terminal's signals reach only this one."""
    parent = os.getpid()

    def prepare() -> None:
        if _PRCTL:
            _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # the parent ended before prctl() was called
                os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())

    return subprocess.Popen(  # noqa: S603  # a module of this project
        [sys.executable, "-m", module],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509  # there are no threads
    )


if __name__ == "__main__":
    sys.exit(main())
