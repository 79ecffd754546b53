"""The states of jobs, and how many jobs are in each: counted without the library that keeps them.

Whoever watches asks every few seconds, of a process that otherwise has no need of its memory.
The tables are those of the version of DBOS that is pinned.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trainer.errors import JobsUnavailable

QUEUED, RUNNING, FAILED, CANCELLED = "queued", "running", "failed", "cancelled"
STATES = (QUEUED, RUNNING, "promoted", "kept_back", FAILED, CANCELLED)

# As DBOS calls them, whose other status is that of success: the job's output has its state.
ACTIVE = {"ENQUEUED": QUEUED, "DELAYED": QUEUED, "PENDING": RUNNING}
WITHOUT_OUTPUT = {
    "CANCELLED": CANCELLED,
    "ERROR": FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": FAILED,
}

TIMEOUTS = {  # of a PostgreSQL that does not answer any more
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}
_SECONDS = 2  # for the database to count
_COUNT = """
    SELECT status, {state}, count(*)
    FROM {schema}workflow_status LEFT JOIN {schema}workflow_output AS o USING (workflow_uuid)
    WHERE name = 'retrain' GROUP BY 1, 2
"""

Rows = Iterable[tuple[str, str | None, int]]


def count_by_state(url: str) -> dict[str, int]:
    """How many of the jobs that are known are in each of `STATES`.

    Parameters
    ----------
    url : of the database

    Raises
    ------
    JobsUnavailable
    """
    counts = Counter(dict.fromkeys(STATES, 0))
    rows = _of_sqlite(url) if url.startswith("sqlite:") else _of_postgresql(url)
    for status, state, count in rows:
        counts[ACTIVE.get(status) or WITHOUT_OUTPUT.get(status) or state or FAILED] += count
    return dict(counts)


def _of_sqlite(url: str) -> Rows:
    path = url.removeprefix("sqlite:///").partition("?")[0]
    if not Path(path).exists():  # nobody has asked for a job yet
        return []
    statement = _COUNT.format(state="json_extract(o.output, '$.state')", schema="")
    try:
        with closing(
            sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=_SECONDS)
        ) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.Error as error:
        if str(error) == "no such table: workflow_status":  # nobody has, and somebody is about to
            return []
        raise JobsUnavailable(f"the jobs' database cannot be used: {error}") from error


def _of_postgresql(url: str) -> Rows:
    import psycopg  # noqa: PLC0415  # which an installation with SQLite need not load
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415

    statement = _COUNT.format(state="o.output::json ->> 'state'", schema="dbos.")
    given: dict[str, Any] = {
        **TIMEOUTS,
        "options": f"-c statement_timeout={_SECONDS}s",
        **conninfo_to_dict(url),
    }
    try:
        with psycopg.connect(make_conninfo(**given)) as connection:
            rows: Rows = connection.execute(statement.encode()).fetchall()
            return rows
    except (psycopg.Error, OSError) as error:
        if isinstance(error, psycopg.errors.UndefinedTable) and "workflow_status" in str(error):
            return []
        raise JobsUnavailable("the jobs' database cannot be used") from error
