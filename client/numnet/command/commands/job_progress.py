"""Watches a retraining job: a bar on a terminal, a line per phase elsewhere, or JSON lines."""

import sys
from collections.abc import Callable
from typing import Any

import click

from numnet.command.failures import JOB_FAILED, KEPT_BACK, WatchEnded
from numnet.command.printing import number, print_json, printable, say
from numnet.command.session import Session
from numnet.command.summaries import scores_of
from numnet.errors import JobCancelled, JobFailed, NotConnected, TimedOut, Unavailable
from numnet.records import Job

_CODES = {"kept_back": KEPT_BACK, "failed": JOB_FAILED, "cancelled": JOB_FAILED}


def watch(session: Session, job: Job, verdict_of: Callable[[Job], str]) -> None:
    """Show a job until it has ended. Ctrl-C ends the watching, and the job goes on.

    Raises
    ------
    JobFailed, JobCancelled, WatchEnded, click.exceptions.Exit
    """
    show = _json if session.json else (_Bar() if sys.stderr.isatty() else _Lines())
    try:
        for latest in session.client.watch(job):
            job = latest
            show(job)
    except KeyboardInterrupt:
        say(
            f"job {job.id} goes on; `numnet jobs {job.id} --watch` shows it, and `numnet cancel "
            f"{job.id}` cancels it",
            err=True,
        )
        raise
    except (NotConnected, TimedOut, Unavailable) as error:
        again = f"`numnet jobs {job.id} --watch` shows it when the service is back"
        raise WatchEnded(
            f"{error}; job {job.id} goes on without this command, and {again}"
        ) from error
    finally:
        if isinstance(show, _Bar):
            show.close()
    if job.state == "failed":
        raise JobFailed(job)
    if job.state == "cancelled":
        raise JobCancelled(job)
    if not session.json:
        _print_end(job, verdict_of(job))
    raise click.exceptions.Exit(_CODES.get(job.state, 0))


def _json(job: Job) -> None:
    print_json(dict(job.document))


def _print_end(job: Job, verdict: str) -> None:
    scores = scores_of(job.result.get("metrics") or {})
    rmse = f": test RMSE {number(scores['rmse'])}" if "rmse" in scores else ""
    say(f"version {job.version} {job.state.replace('_', ' ')}{rmse}")
    if verdict:
        say(f"  {verdict}")
    for warning in job.result.get("warnings") or ():
        say(f"  {warning}")


class _Lines:
    """Writes a line whenever the state, the phase or the note changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, job: Job) -> None:
        parts = (job.state.replace("_", " "), job.phase if job.active else "", job.note)
        line = f"job {job.id}: {', '.join(filter(None, parts))}"
        if line != self._last:
            say(line, err=True)
        self._last = line


class _Bar:
    """A progress bar with the phase, the loss and the time that is left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %{task.fields[more]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        self._task: Any = self._bar.add_task("queued", total=1.0, more="")

    def __call__(self, job: Job) -> None:
        more = f"  loss {number(job.best_loss, 3)}" if job.best_loss is not None else ""
        more += f"  {job.eta_seconds:.0f} s left" if job.eta_seconds else ""
        more += f"  {job.note}" if job.note else ""
        words = (job.phase if job.active else "") or job.state.replace("_", " ")
        self._bar.update(
            self._task,
            description=printable(words),
            completed=job.fraction_done or 0.0,
            more=printable(more),
        )

    def close(self) -> None:
        self._bar.stop()
