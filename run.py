"""`make run`: the service and the worker together, as long as the service runs.

A worker that dies is started again; its job goes on from the last checkpoint. Ctrl-C or SIGTERM
stops both, in their own time; a second one at once. Where this process is killed, Linux stops both.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
RESTART_SECONDS = 1.0, 30.0  # between two starts of a worker: doubled while it keeps ending
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_PR_SET_PDEATHSIG = 1
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def main() -> int:
    """Start both; the service's exit code."""
    stops = 0

    def stop(number: int, frame: object) -> None:
        nonlocal stops
        stops += 1
        # SIGQUIT makes gunicorn drop what is in flight
        for process, hard in ((service, signal.SIGQUIT), (worker, signal.SIGKILL)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM if stops == 1 else hard)

    with _signals_held():
        service, worker = _start("service"), _start("trainer.worker")
        for number in SIGNALS:
            signal.signal(number, stop)

    started, (pause, longest) = time.monotonic(), RESTART_SECONDS
    while service.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(timeout=0.2)
        with _signals_held():  # or a worker that is just being started would not hear of a stop
            dead = worker.poll() is not None and service.poll() is None
            age = time.monotonic() - started
            if dead and not stops and age > pause:
                pause = min(2 * pause, longest) if age < 2 * longest else RESTART_SECONDS[0]
                print(f"the worker ended ({worker.returncode}); starting it again", file=sys.stderr)
                worker, started = _start("trainer.worker"), time.monotonic()
    if not stops:
        worker.terminate()  # once: at a second signal it would leave at once
    worker.wait()
    return service.returncode if service.returncode >= 0 else 128 - service.returncode


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _start(module: str) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that the terminal's signals come here alone."""
    parent = os.getpid()

    def prepare() -> None:
        if _PRCTL:
            _PRCTL(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before it was asked for
                os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())

    return subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", module],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509  # there are no threads
    )


if __name__ == "__main__":
    sys.exit(main())
