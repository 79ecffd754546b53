"""`numnet models`, `show`, `promote` and `rollback`."""

import click

from numnet.command.commands.card import print_card
from numnet.command.commands.pictures import print_pictures
from numnet.command.printing import print_json, print_table, say
from numnet.command.session import Session, complete_version, connected
from numnet.command.summaries import network, scores_of
from numnet.records import Promotion, Version


@click.command("models")
@connected()
def models_command(session: Session) -> None:
    """List the models of the service, and the versions of the default model or of --model.

    Errors are those on the test rows, in the target's units; * marks the current version.
    """
    client = session.client
    versions = client.versions()
    models = client.models() if session.model is None else []
    if session.json:
        document = {
            "current": versions.current,
            "versions": [dict(each.document) for each in versions],
            "promotions": [dict(each.document) for each in versions.promotions],
        }
        listed = [{"name": m.name, "default": m.default, "current": m.current} for m in models]
        print_json({"models": listed, **document} if session.model is None else document)
        return
    if len(models) > 1:
        rows = [(each.name, each.current, "default" if each.default else "") for each in models]
        print_table(("model", "current", ""), rows)
        click.echo()
    if not len(versions):
        click.echo("no versions; `numnet train FILE --target COLUMN` trains one")
        return
    newest = {each.version: each for each in reversed(versions.promotions)}
    print_table(
        ("", "version", "trained at", "RMSE", "R²", "network", "promoted by", "why"),
        [_row(each, newest.get(each.version)) for each in versions],
    )


def _row(version: Version, promotion: Promotion | None) -> tuple[object, ...]:
    mark = "*" if version.current else ""
    if version.refused:
        return (mark, version.version, "", None, None, "", "", f"refused: {version.refused}")
    scores = scores_of(version.metrics)
    at = version.created_at
    return (
        mark,
        version.version,
        "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M"),
        scores.get("rmse"),
        scores.get("r2"),
        network(version.document),
        promotion.by if promotion else "",
        promotion.reason if promotion else "",
    )


@click.command("show")
@click.argument("version", required=False, metavar="[V]", shell_complete=complete_version)
@click.option("--plot", is_flag=True, help="Draw losses, residuals, predictions against truth.")
@connected()
def show_command(session: Session, version: str | None, plot: bool) -> None:
    """Show the card of a version, by default of the current one: data, training and metrics."""
    number = session.version(version)
    card = session.client.card(number)
    if session.json:
        print_json(card)
        return
    print_card(card)
    if plot:
        print_pictures(session.client.evaluation(number))


@click.command("promote")
@click.argument("version", metavar="V", shell_complete=complete_version)
@connected(admin=True)
def promote_command(session: Session, version: str) -> None:
    """Make a version current, without asking the gate. Needs the admin token."""
    _print_promotion(session, session.client.promote(version))


@click.command("rollback")
@click.option("--force", is_flag=True, help="Even if its features or targets are different.")
@connected(admin=True)
def rollback_command(session: Session, force: bool) -> None:
    """Make the previous version current again: undo the last promotion. Needs the admin token."""
    _print_promotion(session, session.client.rollback(force=force))


def _print_promotion(session: Session, promotion: Promotion) -> None:
    if session.json:
        print_json(dict(promotion.document))
        return
    before = f"; before it was version {promotion.previous}" if promotion.previous else ""
    say(f"version {promotion.version} is current{before}")
