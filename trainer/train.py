"""The offline trainer: one training, from rows to a promoted version.

Run it from a shell or from cron; it needs nothing that is running.
"""

import csv
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # started as a file: import from the project, not from trainer/
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

# One thread: matrices this small gain next to nothing from more, and where another process wants
# the cores BLAS loses several times over by waiting. To be set before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from config import Settings, SettingsError
from network import ArchitectureError, NetworkError
from registry import Registry, RegistryError
from trainer.command_line.recipe_options import recipe_options
from trainer.data.csv_file import csv_table
from trainer.data.synthetic import (
    DEFAULT_SAMPLES,
    MAX_SAMPLES,
    SYNTHETIC,
    synthetic_table,
)
from trainer.data.table import MIN_ROWS, Table
from trainer.errors import RecipeError, TrainerError
from trainer.release.promotion import Terms, release, released
from trainer.solvers import State
from trainer.training.checkpoint import INTERVAL_SECONDS, Checkpoint
from trainer.training.console_progress import progress
from trainer.training.recipe import Recipe
from trainer.training.training import Trained, train, training_identity
from trainer.training.watchdog import Stopped

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class Names(click.ParamType[tuple[str, ...]]):
    """Column names, separated by commas."""

    name = "NAME,NAME…"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = next(csv.reader([value], skipinitialspace=True), [])  # quotes protect a comma
        return tuple(name.strip() for name in names if name.strip())


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--data", default=SYNTHETIC, metavar="synthetic|FILE", help="A CSV file.")
@click.option(
    "--target",
    "targets",
    type=Names(),
    multiple=True,
    help="Columns to predict (CSV).",
)
@click.option(
    "--features",
    type=Names(),
    multiple=True,
    help="Columns to predict from (CSV); default: all others.",
)
@click.option("--weights", metavar="NAME", help="Column that says what each row weighs (CSV).")
@click.option(
    "--samples",
    type=click.IntRange(MIN_ROWS, MAX_SAMPLES),
    help=f"Rows of synthetic data; default: {DEFAULT_SAMPLES}.",
)
@recipe_options
@click.option("--resume", is_flag=True, help="Go on from the checkpoint of a killed training.")
@click.option(
    "--checkpoint-seconds",
    type=float,
    default=INTERVAL_SECONDS,
    help="Time between checkpoints.",
)
@click.option(
    "--models", type=click.Path(path_type=Path), help="Default: NUMNET_MODELS, else models."
)
@click.option("--no-promote", is_flag=True, help="Publish, but do not make it current.")
@click.option(
    "--force-promote",
    is_flag=True,
    help="Make it current even if it is worse, or has other features, than the current version.",
)
@click.option("--if-none", is_flag=True, help="Train only if no version is current yet.")
@click.option("--json", "as_json", is_flag=True, help="Last line of stdout: one JSON object.")
def main(
    *,
    data: str,
    targets: tuple[tuple[str, ...], ...],
    features: tuple[tuple[str, ...], ...],
    weights: str | None,
    samples: int | None,
    resume: bool,
    checkpoint_seconds: float,
    models: Path | None,
    no_promote: bool,
    force_promote: bool,
    if_none: bool,
    as_json: bool,
    **recipe_options: Any,
) -> None:
    """Train a network and publish it as a new version."""
    try:
        settings = Settings.from_environment()
        registry = Registry.local(models or settings.models)
        if if_none and (current := registry.current()):
            click.echo(f"version {current.version} is current: nothing to train", err=True)
            _finish(as_json, {"version": current.version, "state": "unchanged"})
        recipe = Recipe(**recipe_options)
        if no_promote and force_promote:
            raise RecipeError("--no-promote and --force-promote exclude each other")
        terms = Terms(
            by="trainer/train.py",
            policy="never" if no_promote else "always" if force_promote else "gate",
            margin=settings.gate_margin,
            keep=settings.keep_versions,
        )
        if not checkpoint_seconds >= 0:
            raise RecipeError(f"checkpoint_seconds must be 0 or more, got {checkpoint_seconds}")
        table = _table(
            data,
            folder=settings.data,
            targets=_flat(targets),
            features=_flat(features),
            weights=weights,
            samples=samples,
            seed=recipe.seed,
        )
        registry.check_writable()
        for name in table.constant_features:
            click.echo(
                f"note: feature {name!r} is the same in every row: it tells nothing", err=True
            )
        checkpoint = Checkpoint(
            settings.state / "checkpoints",
            training_identity(table, recipe),
            checkpoint_seconds,
            warn=lambda reason: click.echo(f"note: {reason}", err=True),
        )
        state = checkpoint.read() if resume else None
        if resume:
            click.echo(f"note: {_resumption(state)}", err=True)
        with _interruptible() as stop, progress(recipe.max_seconds) as watch:
            trained = train(
                table, recipe, checkpoint=checkpoint, resume=state, watch=watch, stop=stop
            )
        if trained.stopped is Stopped.INTERRUPTED and not _publish_anyway(trained, as_json):
            if checkpoint.path.exists():
                click.echo("--resume goes on from the last checkpoint", err=True)
            _finish(as_json, {"version": None, "state": "discarded"}, EXIT_INTERRUPTED)
        with _interruptible():  # too late to stop: an interrupt lets this finish
            published = registry.publish(
                trained.model, trained.card, trained.golden_inputs, trained.calibration
            )
            verdict = release(registry, published, table, recipe, terms=terms)
            checkpoint.remove()
        outcome = released(published.number, verdict)
        if no_promote:
            outcome["state"] = "published"
        _report(outcome, trained, as_json)
    except (NetworkError, RegistryError, SettingsError, TrainerError) as error:
        click.echo(f"error: {error}", err=True)
        code = EXIT_USAGE if isinstance(error, RecipeError | ArchitectureError) else EXIT_FAILED
        _finish(as_json, {"version": None, "state": "failed", "error": str(error)}, code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: nothing was published", err=True)
        _finish(as_json, {"version": None, "state": "discarded"}, EXIT_INTERRUPTED)


def _table(
    data: str,
    *,
    folder: Path,
    targets: tuple[str, ...],
    features: tuple[str, ...],
    weights: str | None,
    samples: int | None,
    seed: int,
) -> Table:
    if data == SYNTHETIC:
        if targets or features or weights:
            raise RecipeError("--target, --features and --weights go with --data FILE")
        return synthetic_table(samples or DEFAULT_SAMPLES, seed)
    if samples:
        raise RecipeError("--samples goes with the synthetic data, not with a file")
    if not targets:
        raise RecipeError("--data FILE needs --target: the column to predict")
    # by its name in the data folder a retraining finds it again
    path, folder = Path(data).resolve(), folder.resolve()
    source = str(path.relative_to(folder)) if path.is_relative_to(folder) else None
    return csv_table(Path(data), targets, features, weights, source=source)


def _flat(groups: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The names of an option that may be given several times."""
    return tuple(name for group in groups for name in group)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into an answer to `stop()`; a second one ends at once."""
    interrupted = False

    def note(number: int, frame: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in signals]
    try:
        yield lambda: interrupted
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _publish_anyway(trained: Trained, as_json: bool) -> bool:
    """Ask whether to publish what an interrupted training has; without a terminal: no."""
    untrained = trained.card["training"]["best_epoch"] == 0
    if untrained or as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        click.echo("interrupted: nothing was published", err=True)
        return False
    question = f"Interrupted. Publish the best so far (test MSE {trained.metrics['mse']:.3g})?"
    return click.confirm(question, default=False, err=True)


def _report(outcome: dict[str, Any], trained: Trained, as_json: bool) -> None:
    metrics, training = trained.metrics, trained.card["training"]
    rows = trained.card["data"]["rows"]
    if not as_json:
        state = {"kept_back": "kept back"}.get(outcome["state"], outcome["state"])
        epochs = "1 epoch" if training["epochs"] == 1 else f"{training['epochs']} epochs"
        tested = "1 row" if rows["test"] == 1 else f"{rows['test']} rows"
        r2 = "undefined" if metrics["r2"] is None else f"{metrics['r2']:.6f}"
        click.echo(
            f"version {outcome['version']} {state}: test MSE {metrics['mse']:.3e}, "
            f"RMSE {metrics['rmse']:.3e}, R² {r2}{_of_the_loss(trained)} "
            f"on {tested} never trained on\n"
            f"  {epochs} of {trained.card['recipe']['solver']} on "
            f"{rows['train']} rows in {trained.seconds:.1f} s ({trained.stopped}); "
            f"best epoch {training['best_epoch']}"
            + "".join(f"\n  {decision}" for decision in training["decisions"])
            + f"\n  gate: {outcome['verdict']['reason']}"
        )
    _finish(
        as_json,
        {
            **outcome,
            "test_mse": metrics["mse"],
            "test_rmse": metrics["rmse"],
            "test_mae": metrics["mae"],
            "test_r2": metrics["r2"],
            "seconds": round(trained.seconds, 3),
            "stopped": trained.stopped,
            "epochs": training["epochs"],
            "best_epoch": training["best_epoch"],
            "solver": trained.card["recipe"]["solver"],
            "decisions": training["decisions"],
            "rows": rows,
        },
    )


def _resumption(state: State | None) -> str:
    if state is None:
        return "no checkpoint of a training with this data and these options: it starts anew"
    return f"going on after epoch {len(state['history'])}, {state['seconds']:.1f} s from its start"


def _of_the_loss(trained: Trained) -> str:
    """What tells how a loss other than the squared one was met."""
    metrics, loss = trained.metrics, trained.card["recipe"]["loss"]
    if loss == "huber":
        return f", MAE {metrics['mae']:.3e}"
    return f", {metrics['below']:.1%} below the prediction" if loss == "quantile" else ""


def _finish(as_json: bool, outcome: dict[str, Any], code: int = 0) -> None:
    if as_json:
        click.echo(json.dumps(outcome))
    sys.exit(code)


if __name__ == "__main__":
    main()
