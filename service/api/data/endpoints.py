"""`/data`: store, check, list and delete the tables that jobs may train from."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from flask import Blueprint, Response, request

from service.api.data.receiving import body_writer
from service.api.data.schemas import StoredTable, TableList, TableReport
from service.openapi.contract import BodySpec, JsonSchema, ResponseSpec, operation
from service.services import services
from service.web.errors import MAX_ERRORS, DataFolderFull, DataFolderUnavailable, InvalidInput
from service.web.field_errors import Error, shown
from service.web.responses import json_response, reference_to
from service.web.tokens.authorization import admin_only, check_admin_of_all
from trainer import jobs as trainer_jobs

blueprint = Blueprint("data", __name__, url_prefix="/data")

INSPECTION_SHARE = 0.8  # of the time that a request may take
EXAMPLE = {"x1": 0.1, "x2": 0.2, "y": 0.3}  # a row
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FLAGS = ("check", "replace")
_NAMES = ("targets", "features", "categories")
_TEXTS = ("weights", "encoding", "missing")
_MEDIA_TYPES = (
    "text/csv",
    "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.apache.parquet",
)
_BINARY: JsonSchema = {"type": "string", "contentMediaType": "application/octet-stream"}
_TABLE: JsonSchema = {
    "type": "string",
    "pattern": f"^{trainer_jobs.NAME_PATTERN}$".replace("(?i:", "("),
    "maxLength": trainer_jobs.MAX_NAME_LENGTH,
    "description": f"the table's name: {trainer_jobs.EXPECTED_NAME}",
}
_NAME_LIST: JsonSchema = {"type": "array", "items": {"type": "string"}}
_QUERY: Mapping[str, JsonSchema] = {
    "check": {"type": "boolean", "description": "answer what was understood, and store nothing"},
    "replace": {"type": "boolean", "description": "replace a table of the same name"},
    "targets": {**_NAME_LIST, "description": "by default, the last column of numbers"},
    "features": {**_NAME_LIST, "description": "by default, all others with information"},
    "categories": {**_NAME_LIST, "description": "columns that are categories, not numbers"},
    "weights": {"type": "string", "description": "the column of row weights"},
    "encoding": {"type": "string", "description": "such as cp1252; by default UTF-8"},
    "missing": {"enum": [*trainer_jobs.MISSING], "description": "what missing cells are"},
}


@blueprint.route("/<table>", methods=["POST", "PUT"])
@operation(
    {
        201: ResponseSpec(
            "The table is stored.",
            TableReport,
            headers={"Location": "relative reference to the table"},
        ),
        200: ResponseSpec(
            "The table replaced another one, was there already with the same content, or was only "
            "checked.",
            TableReport,
            headers={"Location": "relative reference to the table, if it is stored"},
        ),
    },
    "invalid-input",
    "table-exists",
    "insufficient-storage",
    body=BodySpec(dict.fromkeys(_MEDIA_TYPES, _BINARY)),
    path={"table": _TABLE},
    query=_QUERY,
)
@admin_only
def store(table: str) -> Response:
    """Store a table for trainings, if a training would accept it.

    The body is the file itself, with any media type: CSV and other delimited text, Excel,
    OpenDocument or Parquet. The query parameters say which columns to check it for. It is stored
    completely or not at all.
    """
    flags, columns = _read_query()
    settings = services().settings
    folder = trainer_jobs.DataFolder(settings.data)
    report: dict[str, Any] = {}

    def check(path: Path) -> None:
        timeout_seconds = settings.deadline_seconds * INSPECTION_SHARE
        report.update(trainer_jobs.inspect(path, table, columns, timeout_seconds))

    if flags["replace"] and not flags["check"]:
        check_admin_of_all()
    write = body_writer(settings.max_data_bytes)
    with _table_errors(), _disk_errors():
        if flags["check"]:
            folder.check(table, write, check)
            return json_response({"name": table, **report})
        is_new = folder.store(table, write, check, replace=flags["replace"])
        stored = _stored_document(folder.find(table))
    response = json_response(stored | report, 201 if is_new else 200)
    response.headers["Location"] = reference_to(f"{blueprint.url_prefix}/{table}")
    return response


@blueprint.get("")
@operation({200: ResponseSpec("The tables.", TableList)})
@admin_only
def list_tables() -> Response:
    """List the tables in the data folder, by name."""
    with _disk_errors():
        tables = trainer_jobs.DataFolder(services().settings.data).tables()
    return json_response({"tables": [_stored_document(each) for each in tables]})


@blueprint.get("/<table>")
@operation(
    {200: ResponseSpec("The table.", StoredTable)},
    "invalid-input",
    "not-found",
    path={"table": _TABLE},
)
@admin_only
def show(table: str) -> Response:
    """Show the size and the age of a table."""
    with _disk_errors():
        found = trainer_jobs.DataFolder(services().settings.data).find(table)
    return json_response(_stored_document(found))


@blueprint.get("/<table>/report")
@operation(
    {200: ResponseSpec("What a training would understand of it.", TableReport)},
    "invalid-input",
    "not-found",
    "content-too-large",
    path={"table": _TABLE},
    query={name: schema for name, schema in _QUERY.items() if name not in _FLAGS},
)
@admin_only
def describe(table: str) -> Response:
    """Describe a stored table as a training would understand it."""
    _, columns = _read_query(flags=())
    settings = services().settings
    folder = trainer_jobs.DataFolder(settings.data)
    with _table_errors(), _disk_errors():
        stored = _stored_document(folder.find(table))
        timeout_seconds = settings.deadline_seconds * INSPECTION_SHARE
        report = trainer_jobs.inspect(settings.data / table, table, columns, timeout_seconds)
    return json_response(stored | report)


@blueprint.delete("/<table>")
@operation(
    {204: ResponseSpec("The table is deleted.")},
    "invalid-input",
    "not-found",
    path={"table": _TABLE},
)
@admin_only
def delete(table: str) -> Response:
    """Delete a table; a job that reads it goes on."""
    with _disk_errors():
        trainer_jobs.DataFolder(services().settings.data).delete(table)
    return Response(status=204)


def _stored_document(table: trainer_jobs.StoredTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "bytes": table.size_bytes,
        "modified_at": table.modified_at.isoformat(),
    }


def _read_query(flags: Sequence[str] = _FLAGS) -> tuple[dict[str, bool], trainer_jobs.Columns]:
    """Return the flags, and which columns to check.

    Raises
    ------
    InvalidInput
    """
    given, known = request.args, (*flags, *_NAMES, *_TEXTS)
    errors = [
        _wrong(name, f"is unknown; expected {', '.join(known)}")
        for name in given
        if name not in known
    ]
    errors += [
        _wrong(name, "must be given once")
        for name in (*_FLAGS, *_TEXTS)
        if len(given.getlist(name)) > 1
    ]
    errors += [
        _wrong(name, f"must be true or false, got {shown(given[name])}")
        for name in _FLAGS
        if given.get(name, "false") not in ("true", "false")
    ]
    missing = given.get("missing", "impute")
    if missing not in get_args(trainer_jobs.Missing):
        expected = ", ".join(trainer_jobs.MISSING)
        errors.append(_wrong("missing", f"must be one of {expected}, got {shown(missing)}"))
    if errors:
        raise InvalidInput(errors[:MAX_ERRORS], EXAMPLE, complete=len(errors) <= MAX_ERRORS)
    columns = trainer_jobs.Columns(
        **{name: tuple(given.getlist(name)) for name in _NAMES},
        weights=given.get("weights"),
        encoding=given.get("encoding"),
        missing=missing,  # type: ignore[arg-type]  # checked above
    )
    return {name: given.get(name) == "true" for name in _FLAGS}, columns


def _wrong(parameter: str, detail: str) -> Error:
    return {"parameter": parameter[:40], "detail": detail}


@contextmanager
def _table_errors() -> Iterator[None]:
    """Raise what is wrong with a table as invalid input, an error for each line."""
    try:
        yield
    except trainer_jobs.DataError as error:
        first, *lines = str(error).split("\n")
        errors = [{"pointer": "", "detail": line.strip()} for line in lines or [first]]
        raise InvalidInput(
            errors[:MAX_ERRORS], EXAMPLE, complete=len(errors) < MAX_ERRORS
        ) from None


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Raise the errors of the data folder without its path, and a wrong name as invalid input."""
    try:
        yield
    except trainer_jobs.TableNameError as error:
        raise InvalidInput([_wrong("table", str(error))], EXAMPLE) from None
    except OSError as error:
        if error.errno in _FULL:
            raise DataFolderFull("the data folder has no room for the table") from error
        raise DataFolderUnavailable(
            f"the data folder (NUMNET_DATA) cannot be used: {error.strerror or 'unknown error'}"
        ) from error
