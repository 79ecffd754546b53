"""`numnet train`, `retrain`, `jobs` and `cancel`."""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from numnet.command.failures import Refused
from numnet.command.printing import print_facts, print_json, print_table, say
from numnet.command.session import Session, connected
from numnet.errors import InvalidInput, TableExists
from numnet.records import Job

F = TypeVar("F", bound=Callable[..., Any])

_LISTS = ("layers", "targets", "features", "categories")
_CHECKED = ("targets", "features", "categories", "weights", "encoding", "missing")  # of an upload
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def options(function: F) -> Callable[..., Any]:
    """Add the options of a training; those that are given become `fields`."""

    @wraps(function)
    def wrapped(*args: Any, settings: tuple[str, ...], no_promote: bool, **given: Any) -> Any:
        fields = {name: given.pop(name) for name in _OPTIONS}
        fields = {name: value for name, value in fields.items() if value is not None}
        for name in _LISTS:
            if name in fields:
                fields[name] = _list(fields[name])
        for each in settings:
            name, equals, value = each.partition("=")
            if not equals:
                raise click.UsageError(f"expected --set NAME=VALUE, got {each!r}")
            fields[name] = _value(value)
        if no_promote:
            fields["promote"] = False
        return function(*args, fields=fields, **given)

    wrapped = click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other field of POST /retrain, such as --set patience=50.",
    )(wrapped)
    wrapped = click.option(
        "--no-promote", is_flag=True, help="Publish the version, and leave the current one."
    )(wrapped)
    for name, (kind, text) in reversed(_OPTIONS.items()):
        flag = f"--{name.replace('_', '-')}"
        wrapped = click.option(flag, name, type=kind, metavar=_metavar(name), help=text)(wrapped)
    return wrapped


_OPTIONS: dict[str, tuple[Any, str]] = {
    "features": (str, "The columns to learn from, with commas.  [default: all others]"),
    "weights": (str, "A column with the weights of the rows."),
    "categories": (str, "Columns of numbers that are categories, with commas."),
    "layers": (str, "The sizes of the hidden layers, such as 32,16."),
    "activation": (str, "Such as tanh or relu."),
    "solver": (str, "Such as auto, adam or levenberg-marquardt."),
    "loss": (str, "squared, huber or quantile."),
    "epochs": (int, "At most so many."),
    "max_seconds": (float, "The time limit of the training."),
    "target_mse": (float, "Stop when the error is so small."),
    "seed": (int, "Of everything that is random."),
}


def _metavar(name: str) -> str:
    return {"max_seconds": "SECONDS", "features": "NAMES", "categories": "NAMES"}.get(
        name, name.upper()
    )


def _list(text: str) -> list[Any]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [int(part) if part.isdecimal() else part for part in parts]


def _value(text: str) -> Any:
    """Return JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command("train")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--target", "-t", "targets", multiple=True, metavar="COLUMN", help="To predict; repeatable."
)
@click.option(
    "--name", metavar="NAME", help="Of the table in the service.  [default: the file's name]"
)
@click.option("--replace", is_flag=True, help="Replace another table of this name.")
@click.option("--no-watch", is_flag=True, help="Return when the job is submitted.")
@options
@connected(admin=True)
def train_command(
    session: Session,
    *,
    file: Path,
    targets: tuple[str, ...],
    name: str | None,
    replace: bool,
    no_watch: bool,
    fields: dict[str, Any],
) -> None:
    """Upload a table and train a version with it, watching. Needs the admin token.

    The table may be CSV, Excel or Parquet. The service checks it as training does, and names what
    is wrong. The new version becomes current unless it predicts the held-out rows worse than the
    current one. Without --target, the targets of the current version are trained again; a new model
    needs it.

    \b
    numnet train pumps.csv --target flow
    numnet train pumps.csv --target flow --model pump --max-seconds 60 --json
    """
    table = name or _NAME.sub("_", file.name)
    if targets:
        fields["targets"] = list(targets)
    report = _upload(session, file, table, fields, replace)
    try:
        _submit(session, table, fields, watch=not no_watch)
    except InvalidInput as error:
        if "targets" in fields or "targets is missing" not in str(error):
            raise
        raise _target_is_missing(report) from error


def _target_is_missing(report: Mapping[str, Any]) -> Refused:
    """Return the error of a table without a target, with the column that the service proposes."""
    proposed = " ".join(f"--target {shlex.quote(each)}" for each in report.get("targets", ()))
    return Refused(
        "--target COLUMN is missing: it names the column to predict"
        + (f"; for this table, perhaps {proposed}" if proposed else "")
    )


def _upload(
    session: Session, file: Path, name: str, fields: Mapping[str, Any], replace: bool
) -> Mapping[str, Any]:
    """Send a table to the service's data folder, which checks it as a training does.

    Return what a training would understand of it.
    """
    columns = {key: fields[key] for key in _CHECKED if key in fields}
    try:
        table = session.client.upload(name, file, replace=replace, **columns)
    except InvalidInput as error:
        raise Refused(f"{file}: {'; '.join(map(str, error.errors)) or error.detail}") from error
    except TableExists as error:
        detail = f"{error.detail}; --replace replaces it, and --name stores another one"
        raise Refused(detail) from error
    if not session.json:
        _print_report(file, table.document)
    return table.document


def _print_report(file: Path, report: Mapping[str, Any]) -> None:
    """Write what a training would understand of a table."""
    by_role: dict[str, list[str]] = {}
    for column in report.get("columns", ()):
        by_role.setdefault(column["role"], []).append(column["name"])
    parts = [f"{file}: {report.get('rows', 0):,} rows"]
    if "target" in by_role:
        parts.append(f"{_shown(by_role['target'])} from {_shown(by_role.get('feature', []))}")
    if "left out" in by_role:
        parts.append(f"left out: {_shown(by_role['left out'])}")
    say("; ".join(parts), err=True)


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


@click.command("retrain")
@click.option("--data", metavar="NAME", help="synthetic, or a table in the service's data folder.")
@click.option(
    "--target", "-t", "targets", multiple=True, metavar="COLUMN", help="To predict; repeatable."
)
@click.option("--watch", "-w", is_flag=True, help="Show the progress until the job ends.")
@options
@connected(admin=True)
def retrain_command(
    session: Session,
    *,
    data: str | None,
    targets: tuple[str, ...],
    watch: bool,
    fields: dict[str, Any],
) -> None:
    """Train a version with data that the service has. Needs the admin token.

    What is left out is as in the training of the current version. Without --watch, the job's id is
    printed. With --watch --json, each change of the job is a line.
    """
    if targets:
        fields["targets"] = list(targets)
    _submit(session, data, fields, watch=watch)


def _submit(session: Session, data: str | None, fields: dict[str, Any], *, watch: bool) -> None:
    job = session.client.retrain(data, **fields)
    if watch:
        _watch(session, job)
    elif session.json:
        print_json(dict(job.document))
    else:
        say(job.id)


@click.command("jobs")
@click.argument("job_id", required=False, metavar="[ID]")
@click.option("--watch", "-w", is_flag=True, help="Show the progress of this job until it ends.")
@connected()
def jobs_command(session: Session, *, job_id: str | None, watch: bool) -> None:
    """List the newest retraining jobs, newest first, or show one."""
    if watch and job_id is None:
        raise click.UsageError("--watch needs the id of a job")
    if job_id is not None:
        job = session.client.job(job_id)
        if watch:
            _watch(session, job)
        elif session.json:
            print_json(dict(job.document))
        else:
            _print_job(job)
        return
    jobs = session.client.jobs()
    if session.json:
        print_json({"jobs": [dict(each.document) for each in jobs]})
        return
    print_table(
        ("job", "state", "model", "created at", "version", "by"),
        [
            (
                each.id,
                each.state.replace("_", " "),
                each.model,
                each.created_at.astimezone().strftime("%Y-%m-%d %H:%M") if each.created_at else "",
                each.version or "",
                each.by,
            )
            for each in jobs
        ],
    )


def _print_job(job: Job) -> None:
    print_facts(
        {
            "job": job.id,
            "state": job.state.replace("_", " "),
            "model": job.model,
            "phase": job.phase,
            "epoch": f"{job.epoch} of {job.epochs}" if job.epoch is not None else "",
            "loss": job.loss,
            "note": job.note,
            "decisions": list(job.decisions),
            "version": job.version,
            "verdict": verdict_of(job),
            "error": job.error,
        }
    )


def verdict_of(job: Job) -> str:
    """Return what the gate said; empty before it did."""
    verdict = job.result.get("verdict")
    if isinstance(verdict, dict):
        return str(verdict.get("reason", ""))
    return str(verdict or "")


@click.command("cancel")
@click.argument("job_id", metavar="ID")
@connected(admin=True)
def cancel_command(session: Session, *, job_id: str) -> None:
    """Cancel a retraining job; a running one stops within two seconds. Needs the admin token."""
    job = session.client.cancel(job_id)
    if session.json:
        print_json(dict(job.document))
    else:
        say(f"job {job.id}: {job.state.replace('_', ' ')}")


def _watch(session: Session, job: Job) -> None:
    from numnet.command.commands.job_progress import watch

    watch(session, job, verdict_of)
