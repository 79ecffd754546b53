"""The offline trainer: one training, from rows to a promoted version.

Run it from a shell or from cron; it needs no other process.
"""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

if __package__ in (None, ""):  # started as a file: import from the project, not from trainer/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

# More than one thread gains next to nothing with matrices this small. If another process needs the
# cores, BLAS loses time by busy waiting. The variable must be set before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from config import Settings, model_names
from network import Rows
from registry import Models, Registry, Version
from trainer.command_line.console_progress import progress
from trainer.command_line.data_options import data_options, read_table, read_test_table
from trainer.command_line.interrupts import confirm_publication, interruptible
from trainer.command_line.recipe_options import recipe_options
from trainer.command_line.report import (
    discard,
    failures_reported,
    finish,
    note,
    report_table,
    report_version,
)
from trainer.command_line.report_file import check_report_file, write_report
from trainer.data.alignment import aligned_rows
from trainer.data.synthetic import SYNTHETIC
from trainer.data.table import Table
from trainer.errors import Interrupted, RecipeError
from trainer.release.promotion import Terms, release, released
from trainer.release.unchanged import find_same_version, reason
from trainer.training.checkpoint import INTERVAL_SECONDS, Checkpoint
from trainer.training.identity import training_identity
from trainer.training.option import NEVER
from trainer.training.recipe import RECIPE_OPTIONS, Recipe
from trainer.training.trained import Trained
from trainer.training.training import train
from trainer.training.watchdog import Stopped

MAX_JOBS = 1_024


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@data_options
@recipe_options
@click.option(
    "--jobs",
    type=click.IntRange(1, MAX_JOBS),
    show_default="usable processors",
    help="Threads that train the networks of an ensemble; the weights do not depend on it.",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint of a killed training.")
@click.option(
    "--checkpoint-seconds",
    type=float,
    default=INTERVAL_SECONDS,
    help="Seconds between checkpoints.",
)
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    show_default="NUMNET_MODELS, else models",
    help="Folder of the versions.",
)
@click.option(
    "--model",
    show_default="NUMNET_MODEL_NAME, else numnet",
    help="Name of the model; its first version makes it.",
)
@click.option("--no-promote", is_flag=True, help="Publish the version without promoting it.")
@click.option(
    "--force-promote",
    is_flag=True,
    help="Promote the version even if it is worse or has other features than the current one.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Train although data, recipe and code are those of the current version.",
)
@click.option("--if-none", is_flag=True, help="Train only if there is no current version.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Write a report on the version, one HTML file with figures, whether promoted or not.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on the last line.")
def main(
    *,
    jobs: int | None,
    resume: bool,
    checkpoint_seconds: float,
    models: Path | None,
    model: str | None,
    no_promote: bool,
    force_promote: bool,
    force: bool,
    if_none: bool,
    report: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network and publish it as a new version."""
    with failures_reported(as_json) as known:
        settings = Settings.from_environment()
        known["model"] = settings.model_name if model is None else model
        if report is not None:
            check_report_file(report)
        registry = _registry(models or settings.models, settings.model_name, known["model"])
        other = {} if known["model"] == settings.model_name else known
        title = f"model {model}: " if other else ""
        if if_none and (current := registry.current()):
            why = f"{title}version {current.version} is current: nothing to train"
            if report is not None:
                _write_report(report, registry.load(current.version), known)
            _finish_unchanged(current.version, why, known, as_json)
        recipe = Recipe(**{name: options.pop(name) for name in RECIPE_OPTIONS})
        terms = _terms(settings, no_promote=no_promote, force_promote=force_promote)
        if not checkpoint_seconds >= 0:
            raise RecipeError(f"checkpoint_seconds must not be below 0, got {checkpoint_seconds}")
        test_file = options.pop("test_file")
        if other and options["data"] == SYNTHETIC:
            note(f"model {model} is trained on the example task; --data FILE names a table")
        table = read_table(settings.data, recipe.seed, **options)
        report_table(table)
        test = _test_rows(test_file, table, options)
        registry.check_writable()
        must_train = force or force_promote or test is not None
        same = None if must_train else find_same_version(registry, table, recipe)
        if same and same.in_use:
            why = f"{title}{reason(same.card)} (--force trains all the same)"
            if report is not None:
                _write_report(report, registry.load(same.card["version"]), known)
            _finish_unchanged(same.card["version"], why, known, as_json)
        for name in table.constant_features:
            note(f"feature {name!r} is constant and carries no information")
        checkpoint = Checkpoint(
            settings.state / "checkpoints",
            training_identity(table, recipe) | other,
            checkpoint_seconds,
            warn=note,
        )
        trained = _train(table, recipe, checkpoint, resume=resume, test=test, jobs=jobs)
        if trained is None or (
            trained.stopped is Stopped.INTERRUPTED and not confirm_publication(trained, as_json)
        ):
            if checkpoint.path.exists():
                click.echo("--resume continues from the last checkpoint", err=True)
            discard(known, as_json)
        with interruptible():  # too late to stop: a first signal lets this finish
            published = registry.publish(
                trained.model,
                trained.card,
                trained.golden_inputs,
                trained.calibration,
                held_out=trained.held_out,
            )
            verdict = release(registry, published, table, recipe, terms=terms)
            checkpoint.remove()
        _write_report(report, published, known)
        _note_schedule(recipe, table, settings, promoted=verdict.promote)
        outcome = released(published.number, verdict) | known
        if no_promote:
            outcome["state"] = "published"
        report_version(outcome, trained, as_json, title)


def _write_report(path: Path | None, version: Version, known: dict[str, Any]) -> None:
    """Write the report that was asked for; a failure does not undo the training."""
    if path is None:
        return
    try:
        write_report(path, version, known["model"])
    except OSError as error:
        note(f"the report cannot be written to {path}: {error.strerror}")
        return
    known["report"] = str(path)
    note(f"the report on version {version.number} is in {path}")


def _note_schedule(recipe: Recipe, table: Table, settings: Settings, *, promoted: bool) -> None:
    """Say so if a schedule that was asked for has no effect, or its jobs will fail."""
    if recipe.every is None:
        return
    if not promoted:
        note("--every has no effect until a version with it is promoted")
    is_job_data = table.source == SYNTHETIC or (settings.data / table.source).is_file()
    if recipe.every != NEVER and not is_job_data:
        note(f"scheduled jobs cannot find {table.source}: it is not in {settings.data}")


def _test_rows(file: str | None, table: Table, options: dict[str, Any]) -> Rows | None:
    """Read the rows of `--test-file`, and report what was understood of the file."""
    if file is None:
        return None
    test = read_test_table(file, table, weights=options["weights"], encoding=options["encoding"])
    report_table(test)
    return aligned_rows(test, table)


def _registry(folder: Path, default: str, model: str) -> Registry:
    """Return the registry of a model, which need not exist.

    Raises
    ------
    RecipeError
        the text cannot be a name.
    """
    try:
        return Models.local(folder, default).registry(model)
    except ValueError:
        raise RecipeError(f"model must be {model_names.EXPECTED}, got {model!r}") from None


def _finish_unchanged(version: int, why: str, known: dict[str, Any], as_json: bool) -> NoReturn:
    click.echo(why, err=True)
    finish({"version": version, "state": "unchanged"} | known, as_json)


def _terms(settings: Settings, *, no_promote: bool, force_promote: bool) -> Terms:
    if no_promote and force_promote:
        raise RecipeError("--no-promote and --force-promote exclude each other")
    return Terms(
        by="trainer/train.py",
        policy="never" if no_promote else "always" if force_promote else "gate",
        margin=settings.gate_margin,
        keep=settings.keep_versions,
    )


def _train(
    table: Table,
    recipe: Recipe,
    checkpoint: Checkpoint,
    *,
    resume: bool,
    test: Rows | None,
    jobs: int | None,
) -> Trained | None:
    """Train with progress on stderr, until the end or the first SIGINT or SIGTERM.

    Return None after a signal that came when there was nothing to publish.
    """
    state = checkpoint.read() if resume else None
    if state:
        note(f"continuing {state['seconds']:.1f} s after the start of the training")
    elif resume:
        note("no checkpoint of a training with this data and these options: starting from scratch")
    with interruptible() as stop, progress(recipe.max_seconds) as watch:
        try:
            return train(
                table,
                recipe,
                test=test,
                jobs=jobs,
                checkpoint=checkpoint,
                resume=state,
                watch=watch,
                stop=stop,
            )
        except Interrupted:
            click.echo("interrupted: nothing was published", err=True)
            return None


if __name__ == "__main__":
    main()
