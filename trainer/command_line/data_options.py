"""Command-line options for the data of a training."""

import csv
from itertools import chain
from pathlib import Path
from typing import Any

import click

from trainer.command_line.recipe_options import Command
from trainer.data.alignment import target_columns
from trainer.data.reading.options import MISSING, Missing, ReadingOptions
from trainer.data.reading.table_file import STANDARD_INPUT, table_from_file
from trainer.data.synthetic import DEFAULT_SAMPLES, MAX_SAMPLES, SYNTHETIC, synthetic_table
from trainer.data.table import MIN_ROWS, Table
from trainer.errors import RecipeError


class ColumnNames(click.ParamType[tuple[str, ...]]):
    """Column names separated by commas; quotes protect a comma in a name."""

    name = "NAME,…"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        """Return the names in a text."""
        if isinstance(value, tuple):
            return value
        csv.field_size_limit(max(csv.field_size_limit(), len(value)))
        names = next(csv.reader([value], skipinitialspace=True), [])
        return tuple(name.strip() for name in names if name.strip())


def data_options(command: Command) -> Command:
    """Add the options that `read_table` takes to a click command."""
    columns: dict[str, Any] = {"type": ColumnNames(), "multiple": True, "callback": _joined}
    for decorate in (
        click.option(
            "--samples",
            type=click.IntRange(MIN_ROWS, MAX_SAMPLES),
            show_default=str(DEFAULT_SAMPLES),
            help="Number of synthetic rows.",
        ),
        click.option(
            "--missing",
            type=click.Choice(MISSING),
            default="impute",
            help="Learn from missing cells of a file, or refuse them.",
        ),
        click.option(
            "--categories", help="Columns of a file that are categories, not numbers.", **columns
        ),
        click.option(
            "--encoding",
            metavar="NAME",
            show_default="UTF-8",
            help="Encoding of a file, such as cp1252.",
        ),
        click.option(
            "--test-file",
            metavar="FILE",
            help="Another table with the same columns, to test the model on.",
        ),
        click.option("--weights", metavar="NAME", help="Column of row weights, of a file."),
        click.option(
            "--features",
            show_default="all others with information",
            help="Columns to predict from, of a file.",
            **columns,
        ),
        click.option("--target", "targets", help="Columns to predict, of a file.", **columns),
        click.option(
            "--data",
            default=SYNTHETIC,
            metavar="synthetic|FILE|-",
            help="The example task, a table with a header (CSV, Excel or Parquet), or stdin.",
        ),
    ):
        command = decorate(command)
    return command


def read_table(
    folder: Path,
    seed: int,
    *,
    data: str,
    targets: tuple[str, ...],
    features: tuple[str, ...],
    weights: str | None,
    samples: int | None,
    encoding: str | None,
    categories: tuple[str, ...],
    missing: Missing,
) -> Table:
    """Read or generate the table that the options name.

    Parameters
    ----------
    folder : the data folder; a table in it is named relative to it, so that a job can find it again
    seed : for synthetic rows

    Raises
    ------
    RecipeError
        options that exclude each other, or a file without a target.
    DataError
    """
    options = ReadingOptions(encoding, categories, missing)
    if data == SYNTHETIC:
        if targets or features or weights:
            raise RecipeError("--target, --features and --weights need --data FILE")
        if options != ReadingOptions():
            raise RecipeError("--encoding, --categories and --missing need --data FILE")
        return synthetic_table(samples or DEFAULT_SAMPLES, seed)
    if samples:
        raise RecipeError("--samples applies to synthetic data only, not to a file")
    if not targets:
        raise RecipeError("--data FILE needs --target: the column to predict")
    if Path(data) == STANDARD_INPUT:
        return table_from_file(STANDARD_INPUT, targets, features, weights, options=options)
    path, folder = Path(data).resolve(), folder.resolve()
    source = str(path.relative_to(folder)) if path.is_relative_to(folder) else None
    return table_from_file(Path(data), targets, features, weights, options=options, source=source)


def read_test_table(file: str, table: Table, *, weights: str | None, encoding: str | None) -> Table:
    """Read another table to test the model on, with the columns of the training table.

    Raises
    ------
    RecipeError, DataError
    """
    if table.source == SYNTHETIC:
        raise RecipeError("--test-file needs --data FILE")
    return table_from_file(
        Path(file),
        table.targets,
        table.features,
        weights,
        options=ReadingOptions(encoding),
        like=(*table.columns, *target_columns(table)),
    )


def _joined(ctx: Any, param: Any, groups: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Return the names of an option that was given several times."""
    return tuple(chain.from_iterable(groups))
