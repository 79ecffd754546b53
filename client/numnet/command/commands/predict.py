"""`numnet predict`."""

import csv
import io
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from numnet.command.failures import Refused
from numnet.command.printing import note, print_json, say
from numnet.command.rows.files import STANDARD, opened, written
from numnet.command.session import Session, client_of_completion, complete_version, connected
from numnet.errors import InvalidInput

CSV = "text/csv"
_ROW = "/instances/0"


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Complete the names of features, and files."""
    from click.shell_completion import CompletionItem

    found = [CompletionItem(incomplete, type="file")]
    try:
        versions = client_of_completion(context).versions()
        current = next(each for each in versions if each.current)
    except Exception:
        return found
    names = [f"{name}=" for name in current.features if name.startswith(incomplete)]
    return [*map(CompletionItem, names), *([] if names else found)]


@click.command("predict")
@click.argument(
    "inputs", nargs=-1, required=True, metavar="NAME=VALUE…|FILE", shell_complete=_complete
)
@click.option("--output", "-o", default=STANDARD, metavar="FILE", help="Of a table; - for stdout.")
@click.option(
    "--interval",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    metavar="LEVEL",
    help="Add intervals that contain the truth with this probability, such as 0.9.",
)
@click.option("--explain", is_flag=True, help="Add what each feature contributes.")
@click.option(
    "--version",
    metavar="V",
    shell_complete=complete_version,
    help="The version that predicts.  [default: the current one]",
)
@click.option(
    "--encoding",
    default="utf-8",
    metavar="NAME",
    help="Of a table, such as windows-1252.  [default: utf-8]",
)
@connected()
def predict_command(
    session: Session,
    *,
    inputs: tuple[str, ...],
    output: str,
    interval: float | None,
    explain: bool,
    version: str | None,
    encoding: str,
) -> None:
    """Predict one row, NAME=VALUE for each feature, or the rows of a table: a CSV file, or -.

    A table keeps its columns byte for byte. Behind them come the prediction, y_predicted, the ends
    of its interval, y_lower and y_upper, and the warnings: extrapolating and unseen have names of
    features, unfamiliar is true or false. The output file gets its name when it is complete. All
    rows are predicted by one version. Files may be compressed with gzip.

    \b
    numnet predict x1=0.1 x2=0.2 x3=0.3 x4=0.4 --interval 0.9
    numnet predict rows.csv -o predicted.csv
    zcat rows.csv.gz | numnet predict - | head
    """
    query = {} if interval is None else {"interval": str(interval)}
    query |= {"explain": "true"} if explain else {}
    if len(inputs) == 1 and _is_file(inputs[0]):
        _predict_table(session, inputs[0], output, encoding=encoding, version=version, query=query)
    elif output != STANDARD:
        raise click.UsageError("-o is for a table; one row is printed")
    else:
        pinned = {} if version in (None, "current") else {"version": str(version)}
        _predict_row(session, _row(inputs), query | pinned)


def _is_file(text: str) -> bool:
    return text == STANDARD or "=" not in text or Path(text).is_file()


def _row(inputs: tuple[str, ...]) -> dict[str, str]:
    row = dict[str, str]()
    for each in inputs:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.UsageError(f"expected NAME=VALUE, or one table; got {each!r}")
        if name in row:
            raise click.UsageError(f"{name} is given twice")
        row[name] = value
    return row


def _predict_row(session: Session, row: Mapping[str, str], query: dict[str, str]) -> None:
    """Predict one row, sent as a table so that texts mean what they mean there."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([row, row.values()])
    try:
        answer = session.client.send(
            "POST",
            session.client.path("/predict"),
            body=file.getvalue().encode(),
            headers={"Content-Type": CSV, "Accept": "application/json"},
            query=query,
            safe=True,
        )
    except InvalidInput as error:
        raise _refused(error) from error
    document = _first(answer.json())
    if session.json:
        print_json(document)
        return
    _print_row(document)


def _refused(error: InvalidInput) -> Exception:
    """Return an error without pointers into a body that the user did not write."""
    details = [
        f"{each.pointer.removeprefix(_ROW).lstrip('/') or each.parameter} {each.detail}".strip()
        for each in error.errors
    ]
    example = error.example if isinstance(error.example, dict) else {}
    shown = " ".join(f"{name}={'' if value is None else value}" for name, value in example.items())
    hint = f"; for example: numnet predict {shown}" if shown else ""
    return Refused("; ".join(details) + hint)


def _first(document: dict[str, Any]) -> dict[str, Any]:
    """Return the response for the first row of many as that for one row."""
    one: dict[str, Any] = {"prediction": document.pop("predictions")[0]}
    for name, value in document.items():
        if name in ("extrapolating", "unseen"):
            one[name] = [feature for _, feature in value]
        elif name == "unfamiliar":
            one[name] = bool(value)
        else:
            one[name] = value[0] if isinstance(value, list) else value
    return one


def _print_row(document: dict[str, Any]) -> None:
    predictions = document["prediction"]
    if not isinstance(predictions, dict):
        predictions = {"": predictions}
    for target, prediction in predictions.items():
        text = f"{target} = {prediction}" if target else str(prediction)
        if "level" in document:
            ends = [document[end] for end in ("lower", "upper")]
            lower, upper = (end[target] if target else end for end in ends)
            text += f"  {lower} to {upper} with {100 * document['level']:g} %"
        say(text)
        if "contributions" in document:
            _print_explanation(document, target)
    for name in document["extrapolating"]:
        note(f"warning: {name} is outside the range seen in training")
    for name in document.get("unseen", ()):
        note(f"warning: training had no such {name}")
    if document.get("unfamiliar"):
        note("warning: the row is unlike all training rows")


def _print_explanation(document: dict[str, Any], target: str) -> None:
    from numnet.command.printing import print_table

    parts = [document[name] for name in ("contributions", "sensitivities", "baseline")]
    contributions, sensitivities, baseline = (part[target] if target else part for part in parts)
    rows = [(name, each, sensitivities[name]) for name, each in contributions.items()]
    rows.sort(key=lambda row: -abs(row[1]))
    print_table(("feature", "contribution", "per unit"), [*rows, ("(average row)", baseline, None)])


def _predict_table(
    session: Session,
    source: str,
    output: str,
    *,
    encoding: str,
    version: str | None,
    query: dict[str, str],
) -> None:
    from numnet.command.commands.table_progress import TableProgress
    from numnet.command.rows.table import predict_table

    if session.json and output == STANDARD:
        raise click.UsageError("--json with a table needs -o FILE: the table is not JSON")
    started = time.perf_counter()
    with ExitStack() as stack:
        file, raw = stack.enter_context(opened(source))
        number = session.version(version)
        target = stack.enter_context(written(output))
        told = stack.enter_context(TableProgress(raw))
        result = predict_table(
            session.client, number, file, target, told, name=source, encoding=encoding, query=query
        )
    result["seconds"] = round(time.perf_counter() - started, 3)
    if session.json:
        print_json({**result, "output": output})
        return
    for column in result["missing_columns"]:
        similar = column["did_you_mean"]
        hint = "" if similar is None else f'; did you mean "{similar}"?'
        note(
            f'warning: the column "{column["name"]}" is not in the file and counts as missing in '
            f"all rows{hint}"
        )
    if result["ignored"]:
        names = result["ignored"]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        note(f"not used, because version {number} has no such features: {shown}")
    for name, text in _WARNINGS.items():
        if result[name]:
            note(f"{result[name]:,} of {result['rows']:,} rows {text}")
    if sys.stderr.isatty():
        rate = result["rows"] / result["seconds"]
        click.echo(
            f"{result['rows']:,} rows by version {number} in {result['seconds']:.1f} s "
            f"({rate:,.0f} rows/s)",
            err=True,
        )


_WARNINGS = {
    "extrapolating_rows": "have values outside the range seen in training",
    "unseen_rows": "have categories that training had not",
    "unfamiliar_rows": "are unlike all training rows",
}
