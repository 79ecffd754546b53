"""The trainer, which runs retraining jobs: `python -m trainer.worker [--train-first]`."""

import os
import re

# One thread, see trainer/train.py. To be set before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from config import VERSION, Settings, SettingsError
from config.log_format import formatter
from config.temporary_folder import check_temporary_folder
from trainer.errors import JobError
from trainer.heartbeat import Heartbeat
from trainer.jobs.database import reason
from trainer.jobs.executor import Executor, exit_at_once

log = logging.getLogger("trainer.worker")

_REMEDIES = {  # of errors with the job database's file; the first that matches
    "full|No space": "make space on its disk",
    "Is a directory|not a database|malformed": "move it away, and the trainer makes a new one",
    "Permission denied|Read-only|readonly|unable to open": "user {user} must be able to write it",
    "File exists|Not a directory|symbolic links": "NUMNET_STATE must be a folder",
}
NICENESS = 10  # so that the service has the cores whenever it needs them


class CancellationFilter(logging.Filter):
    """Drops what DBOS logs as an error when a job is cancelled."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, dbos_error.DBOSAwaitedWorkflowCancelledError) and (
            "no longer owned by this execution" not in record.getMessage()
        )


@click.command()
@click.option("--train-first", is_flag=True, help="Train a first version if there is none.")
def main(train_first: bool) -> None:
    """Run retraining jobs, NUMNET_JOBS_AT_ONCE at a time, until SIGTERM or Ctrl-C."""
    try:
        settings = Settings.from_environment()
        check_temporary_folder()  # for the heartbeat
    except SettingsError as error:
        sys.exit(f"error: {error}")
    _configure_logging()
    log.info("starting numnet %s", VERSION, extra={"settings": settings.in_force()})
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    executor = Executor(settings, Heartbeat().beat)

    def stop(number: int, frame: object) -> None:
        if executor.stopping.is_set():
            os._exit(1)
        executor.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        if executor.run(train_first=train_first):
            _restart()
    except (SQLAlchemyError, OSError, JobError) as error:
        print(f"error: {_explained(error, settings)}", file=sys.stderr)
        exit_at_once(1)
    exit_at_once()


def _explained(error: Exception, settings: Settings) -> str:
    """Return what is wrong with the job database, and for a file its path and what to do."""
    known = isinstance(error, JobError)
    what = str(error) if known else f"the job database cannot be used: {reason(error)}"
    if not settings.jobs_url.startswith("sqlite:"):
        return what
    database = settings.jobs_url.removeprefix("sqlite:///")
    path = getattr(error, "filename", None) or database
    cause = "Is a directory" if path == database and _is_folder(Path(path)) else what
    known_remedies = (each for causes, each in _REMEDIES.items() if re.search(causes, cause))
    remedy = next(known_remedies, "its folder is NUMNET_STATE").format(user=os.getuid())
    return f"{what}; it is {path}; {remedy}"


def _is_folder(path: Path) -> bool:
    with suppress(OSError):  # it cannot be seen
        return path.is_dir()
    return False


def _configure_logging() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(sys.stderr))
    handler.addFilter(CancellationFilter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("dbos").addHandler(handler)  # instead of one of its own
    logging.getLogger("dbos").propagate = False
    logging.getLogger("dbos").setLevel(logging.WARNING)


def _restart() -> NoReturn:
    """Replace the process, and every computation in it, by a new one.

    To be called in the main thread: after an exec in another one, Linux no longer ends the process
    together with `run.py`.
    """
    logging.shutdown()
    same = [sys.executable, "-m", "trainer.worker", *sys.argv[1:]]
    os.execv(sys.executable, same)  # noqa: S606  # the same program again


if __name__ == "__main__":
    main()
