"""The number of jobs per state, and the last reports, read from DBOS's tables without DBOS.

Prometheus asks every few seconds, and asks processes that otherwise never load DBOS, which takes
tens of megabytes. The tables are those of the pinned version of DBOS.
"""

import sqlite3
import stat
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trainer.errors import JobsUnavailable
from trainer.jobs.database import TIMEOUTS
from trainer.jobs.job import ACTIVE, FAILED, STATES, WITHOUT_OUTPUT

_TIMEOUT_SECONDS = 2
_COUNT = """
    SELECT status, {member}, count(*)
    FROM {schema}workflow_status LEFT JOIN {schema}workflow_output AS o USING (workflow_uuid)
    WHERE name = 'retrain' GROUP BY 1, 2
"""
_LAST_REPORT = """
    SELECT coalesce({member}, s.updated_at / 1000.0)
    FROM {schema}workflow_status AS s LEFT JOIN {schema}workflow_events AS e
    ON e.workflow_uuid = s.workflow_uuid AND e.key = 'progress'
    WHERE s.name = 'retrain' AND s.status = 'PENDING'
"""

Rows = Iterable[tuple[Any, ...]]


def count_by_state(url: str) -> dict[str, int]:
    """Return the number of jobs in each of `STATES`.

    Parameters
    ----------
    url : of the database

    Raises
    ------
    JobsUnavailable
    """
    counts = Counter(dict.fromkeys(STATES, 0))
    sqlite = "CASE WHEN json_valid(o.output) THEN json_extract(o.output, '$.state') END"
    postgresql = """substring(o.output from '"state": *"([a-z_]+)"')"""  # it may be no JSON
    rows = _query(url, _COUNT, sqlite, postgresql)
    for status, output, count in rows:
        state = ACTIVE.get(status) or WITHOUT_OUTPUT.get(status) or output
        counts[state if state in STATES else FAILED] += count  # a damaged database has any state
    return dict(counts)


def reports(url: str) -> list[float]:
    """Return when the trainer last reported on each running job, in seconds since the epoch.

    Raises
    ------
    JobsUnavailable
    """
    is_number = "json_type(e.value, '$.at') IN ('integer', 'real')"
    at = f"CASE WHEN {is_number} THEN json_extract(e.value, '$.at') END"
    sqlite = f"CASE WHEN json_valid(e.value) THEN {at} END"
    postgresql = """substring(e.value from '"at": *([0-9]{1,15}(?:[.][0-9]+)?)')::float8"""
    rows = _query(url, _LAST_REPORT, sqlite, postgresql)
    return [float(at) for (at,) in rows if isinstance(at, int | float | Decimal)]


def _query(url: str, statement: str, sqlite: str, postgresql: str) -> Rows:
    """Return the rows of a statement with a member of a JSON document, in each database's SQL."""
    if url.startswith("sqlite:"):
        return _query_sqlite(url, statement.format(member=sqlite, schema=""))
    return _query_postgresql(url, statement.format(member=postgresql, schema="dbos."))


def _query_sqlite(url: str, statement: str) -> Rows:
    path = url.removeprefix("sqlite:///").partition("?")[0]
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would wait for its writer
            raise JobsUnavailable("the job database cannot be used: it is not a file")
        with closing(
            sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=_TIMEOUT_SECONDS)
        ) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.Error as error:
        if str(error) == "no such table: workflow_status":  # the first job is being submitted
            return []
        raise JobsUnavailable(f"the job database cannot be used: {error}") from error
    except FileNotFoundError:  # no job was ever submitted
        return []
    except OSError as error:
        raise JobsUnavailable(f"the job database cannot be used: {error.strerror}") from error


def _query_postgresql(url: str, statement: str) -> Rows:
    import psycopg  # noqa: PLC0415  # an installation on SQLite need not load it
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415

    given: dict[str, Any] = {
        **TIMEOUTS,
        "options": f"-c statement_timeout={_TIMEOUT_SECONDS}s",
        **conninfo_to_dict(url),
    }
    try:
        with psycopg.connect(make_conninfo(**given)) as connection:
            rows: Rows = connection.execute(statement.encode()).fetchall()
            return rows
    except (psycopg.Error, OSError) as error:
        if isinstance(error, psycopg.errors.UndefinedTable) and "workflow_status" in str(error):
            return []
        raise JobsUnavailable("the job database cannot be used") from error
