"""What goes wrong: an error in one line that says what to do, and an exit code."""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from numnet.command.rows.errors import TableError
from numnet.errors import (
    BadResponse,
    Forbidden,
    InvalidInput,
    JobActive,
    JobCancelled,
    JobFailed,
    NoModel,
    NotConnected,
    NumnetError,
    Problem,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

OK, REFUSED, USAGE, NOT_REACHABLE, UNAUTHORIZED, KEPT_BACK, JOB_FAILED = range(7)
CODES = {
    OK: "success",
    REFUSED: "the service refused the request, or a file cannot be read or written",
    USAGE: "wrong usage of the command",
    NOT_REACHABLE: "the service is not reachable, not ready, or did not answer in time",
    UNAUTHORIZED: "the token is missing or wrong, or lacks the right",
    KEPT_BACK: "the job trained a version, which was not promoted",
    JOB_FAILED: "the job failed or was cancelled",
    130: "interrupted by Ctrl-C",
    141: "the reader of the output has closed it",
}
START = "`make run` starts a service; --url or NUMNET_URL name another one"
TRAIN = "`numnet train FILE --target COLUMN` trains a version"
WHERE = (
    "give it by NUMNET_TOKEN or --token-file, or store it with `numnet token --store`; "
    "a local service keeps it in var/admin-token"
)


@dataclass(frozen=True)
class Failure:
    """An error for people.

    Attributes
    ----------
    message : one line
    code : one of `CODES`
    details : for JSON
    """

    message: str
    code: int
    details: Mapping[str, Any] = field(default_factory=dict)


class NotReady(Exception):
    """There is no current version; the message says why."""


class WatchEnded(Exception):
    """The service is gone while a job was watched; the message says that the job is not."""


class Refused(Exception):
    """The command cannot do what was asked; the message says why."""


def failure_of(error: Exception) -> Failure | None:
    """Return what to say of an error; None for a bug."""
    if isinstance(error, TableError):
        cells = [
            {"line": each.line, "column": each.column, "detail": each.detail}
            for each in error.cells
        ]
        return Failure(str(error), REFUSED, {"cells": cells} if cells else {})
    if isinstance(error, NumnetError):
        return _of_service(error)
    if isinstance(error, click.ClickException):
        return Failure(error.format_message(), error.exit_code)
    return _of_command(error)


def _of_command(error: Exception) -> Failure | None:
    if isinstance(error, WatchEnded):
        return Failure(str(error), NOT_REACHABLE)
    if isinstance(error, NotReady):
        return Failure(f"{error}; {TRAIN}", NOT_REACHABLE)
    if isinstance(error, zlib.error | gzip.BadGzipFile):
        return Failure("the compressed file is malformed or cut short", REFUSED)
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}", REFUSED)
    return Failure(str(error), REFUSED) if isinstance(error, Refused | OSError) else None


def _of_service(error: NumnetError) -> Failure:
    details = {"problem": error.document} if isinstance(error, Problem) else {}
    message, code = _message(error)
    return Failure(message, code, details)


def _message(error: NumnetError) -> tuple[str, int]:
    """Return what to say of an error of the library, and the exit code."""
    if isinstance(error, TimedOut):
        return f"{error}; --timeout gives it more seconds", NOT_REACHABLE
    if isinstance(error, NotConnected | BadResponse):
        return f"{error}; {START}", NOT_REACHABLE
    if isinstance(error, JobFailed | JobCancelled):
        return str(error), JOB_FAILED
    return _of_token(error) or _of_problem(error)


def _of_token(error: NumnetError) -> tuple[str, int] | None:
    if isinstance(error, Unauthorized):
        return f"this needs a token; {WHERE}", UNAUTHORIZED
    if isinstance(error, Forbidden):
        return f"{error.detail or 'the token is wrong'}; {WHERE}", UNAUTHORIZED
    if isinstance(error, TooManyRequests):
        seconds = error.retry_after_seconds or 1.0
        return f"too many wrong tokens; try again in {seconds:.0f} s, and {WHERE}", UNAUTHORIZED
    return None


def _of_problem(error: NumnetError) -> tuple[str, int]:
    if isinstance(error, NoModel):
        return f"{error.detail}; {TRAIN}", NOT_REACHABLE
    if isinstance(error, Unavailable):
        return f"{error.detail or error}; try again later", NOT_REACHABLE
    if isinstance(error, JobActive):
        return f"{error.detail}; `numnet cancel {error.job_id}` cancels it", REFUSED
    if isinstance(error, InvalidInput) and error.errors:
        return "; ".join(map(str, error.errors)), REFUSED
    if isinstance(error, Problem) and error.detail:
        return error.detail, REFUSED
    return str(error), REFUSED
