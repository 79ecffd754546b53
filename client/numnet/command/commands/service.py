"""`numnet status`, `open` and `token`."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from numnet.command.failures import NOT_REACHABLE, Refused
from numnet.command.printing import print_facts, print_json
from numnet.command.session import Session, connected
from numnet.command.summaries import network, scores_of
from numnet.command.tokens import TOKEN_FILE, local_token, state_folder, store_token, stored_tokens
from numnet.errors import NumnetError

_COUNTED = {"requests": "requests", "predicted_rows": "rows"}
_COUNTS = re.compile(r"^numnet_(requests|predicted_rows)_total(?:\{[^}]*\})? ([0-9.e+]+)$", re.M)


@click.command("status")
@connected()
def status_command(session: Session) -> None:
    """Show what is served and how good it is. Exit code 3 if nothing is ready."""
    status = session.client.status()
    document: dict[str, Any] = {
        "url": status.url,
        "ready": status.ready,
        "version": status.version,
        "reason": status.reason,
    }
    if status.ready:
        document |= _current(session, str(status.version))
        document |= _counted(session)
    if session.json:
        print_json(document)
    else:
        _print_status(document)
    if not status.ready:
        raise click.exceptions.Exit(NOT_REACHABLE)


def _current(session: Session, version: str) -> dict[str, Any]:
    card = session.client.card(version)
    names = ("features", "targets", "metrics", "created_at")
    return {name: card.get(name) for name in names} | {"network": network(card)}


def _counted(session: Session) -> dict[str, Any]:
    """Return the numbers of requests and rows since the start, if the token may read them."""
    try:
        text = session.client.metrics()
    except NumnetError:
        return {}
    counts = {"requests": 0, "predicted_rows": 0}
    for name, value in _COUNTS.findall(text):
        counts[name] += int(float(value))
    return counts


def _print_status(document: dict[str, Any]) -> None:
    scores = scores_of(document.get("metrics") or {})
    good = ", ".join(
        f"{title} {scores[name]:.4g}"
        for name, title in (("rmse", "RMSE"), ("mae", "MAE"), ("r2", "R²"))
        if isinstance(scores.get(name), int | float)
    )
    counts = ", ".join(
        f"{document[name]:,} {title}" for name, title in _COUNTED.items() if name in document
    )
    print_facts(
        {
            "service": document["url"],
            "ready": "yes" if document["ready"] else f"no: {document['reason']}",
            "version": document["version"],
            "trained at": document.get("created_at"),
            "predicts": ", ".join(document.get("targets") or ()),
            "from": ", ".join(document.get("features") or ()),
            "network": document.get("network"),
            "test rows": good,
            "answered": counts,
        }
    )


@click.command("open")
@connected()
def open_command(session: Session) -> None:
    """Open the dashboard in a browser, and print its address."""
    session.client.status()  # fails if nothing is there
    url = f"{session.url}/"
    has_browser = sys.stdout.isatty() and _has_display()
    if session.json:
        print_json({"url": url})
    else:
        click.echo(url)
    if has_browser:
        click.launch(url)


def _has_display() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    is_remote = "SSH_CONNECTION" in os.environ
    return not is_remote and bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@click.command("token")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The state folder of the installation.  [default: NUMNET_STATE, or var]",
)
@click.option(
    "--store", is_flag=True, help="Store the token of --token-file or of stdin for --url."
)
@click.option("--forget", is_flag=True, help="Remove the token that is stored for --url.")
@connected()
def token_command(session: Session, state: Path | None, store: bool, forget: bool) -> None:
    """Print the admin token of the installation in this folder, or store one for a service.

    Stored tokens are in numnet/tokens.json in the folder for configuration, ~/.config or
    XDG_CONFIG_HOME, readable by this user alone. They are used for the service that they were
    stored for. Commands that need the admin token also find that of an installation in this folder,
    if the service is on this machine.

    \b
    numnet token
    numnet token --store --url https://models.example.org < token.txt
    """
    if store and forget:
        raise click.UsageError("--store and --forget exclude each other")
    if store or forget:
        path = store_token(session.url, _given(session) if store else None)
        word = "stored" if store else "removed"
        if session.json:
            print_json({"url": session.url, word: True, "file": str(path)})
        else:
            click.echo(f"{word} for {session.url} in {path}", err=True)
        return
    folder = state or state_folder()
    token = local_token(folder) or (None if state else stored_tokens().get(session.url.lower()))
    if token is None:
        raise Refused(
            f"{folder / TOKEN_FILE} cannot be read; run this in the project's folder after "
            "`make run`, or give --state. If NUMNET_ADMIN_TOKEN is set, there is no file: that is "
            "the token"
        )
    if session.json:
        print_json({"token": token})
    else:
        click.echo(token)


def _given(session: Session) -> str:
    """Return the token of an option, a variable or the standard input."""
    if session.given_token:
        return session.given_token
    if sys.stdin.isatty():
        return str(click.prompt("token", hide_input=True, err=True)).strip()
    token = sys.stdin.read().strip()
    if not token:
        raise click.UsageError("--store expects the token on the standard input")
    return token
