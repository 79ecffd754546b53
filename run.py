"""`make run`: the service and the worker together, as long as the service runs.

A worker that dies is started again; its job goes on from the last checkpoint. Ctrl-C or SIGTERM
stops both, in their own time; a second one at once.
"""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
RESTART_SECONDS = 1.0


def main() -> int:
    """Start both; the service's exit code."""
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    stops = 0

    def stop(number: int, frame: object) -> None:
        nonlocal stops
        stops += 1
        # SIGINT makes gunicorn drop what is in flight
        for process, hard in ((service, signal.SIGINT), (worker, signal.SIGKILL)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM if stops == 1 else hard)

    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    service, worker = _start("service"), _start("trainer.worker")
    for number in signals:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    started = time.monotonic()
    while service.poll() is None:
        if not stops and worker.poll() is not None and time.monotonic() - started > RESTART_SECONDS:
            print(f"the worker ended with {worker.returncode}: starting it again", file=sys.stderr)
            worker, started = _start("trainer.worker"), time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            service.wait(timeout=0.2)
    if worker.poll() is None:
        worker.terminate()
        worker.wait()
    return service.returncode if service.returncode >= 0 else 128 - service.returncode


def _start(module: str) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that the terminal's signals come here alone."""
    return subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", module],
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals()),  # noqa: PLW1509  # there are no threads
    )


if __name__ == "__main__":
    sys.exit(main())
