"""`numnet export`."""

import sys
from pathlib import Path

import click

from numnet.command.printing import print_json, say
from numnet.command.rows.files import STANDARD, written
from numnet.command.session import Session, complete_version, connected

# the path behind the version, and the end of the file's name
FORMS = {
    "onnx": ("model.onnx", "onnx"),
    "c": ("model.c", "c"),
    "js": ("model.js", "js"),
    "json": ("model.json", "json"),
    "sql": ("model.sql", "sql"),
    "npz": ("weights.npz", "npz"),
    "report": ("report", "html"),
}


@click.command("export")
@click.argument("version", metavar="V", shell_complete=complete_version)
@click.argument("form", metavar="FORM", type=click.Choice(list(FORMS)))
@click.option(
    "--output", "-o", metavar="FILE", help="- for stdout.  [default: MODEL-V.FORM in this folder]"
)
@click.option(
    "--level",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    metavar="LEVEL",
    help="Compute prediction intervals with this probability, too.",
)
@click.option("--form", "variant", metavar="NAME", help="Of ONNX: folded, for optimizers.")
@connected()
def export_command(
    session: Session,
    *,
    version: str,
    form: str,
    output: str | None,
    level: float | None,
    variant: str | None,
) -> None:
    """Take a version away, V or `current`, as onnx, c, js, json, sql, npz or report (HTML).

    \b
    numnet export current onnx -o model.onnx
    numnet export 3 c --level 0.9
    """
    number = session.version(version)
    path, ending = FORMS[form]
    query = {} if level is None else {"level": str(level)}
    query |= {"form": variant} if variant else {}
    answer = session.client.send("GET", session.client.version_path(number, path), query=query)
    target = output or f"{session.model or 'numnet'}-{number}.{ending}"
    if target == STANDARD and form in ("onnx", "npz") and sys.stdout.isatty():
        raise click.UsageError(f"{form} is binary; -o FILE keeps the terminal readable")
    with written(target) as file:
        file.write(answer.content)
    if session.json and target != STANDARD:
        print_json({"version": number, "file": target, "bytes": len(answer.content)})
    elif target != STANDARD:
        say(f"version {number} in {Path(target)}: {len(answer.content):,} bytes")
