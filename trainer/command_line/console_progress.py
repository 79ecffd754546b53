"""The progress of a training: a bar on a terminal, plain lines in a log."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from trainer.training.epoch import Epoch

LOG_INTERVAL_SECONDS = 5.0
BAR_INTERVAL_SECONDS = 0.1


@contextmanager
def progress(
    max_seconds: float, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[Epoch], None]]:
    """Yield a function that shows an epoch on `stream`, by default stderr."""
    stream = stream or sys.stderr
    if stream.isatty():
        with _bar(max_seconds, stream, clock) as show:
            yield show
    else:
        yield _lines(max_seconds, stream, clock)


def _describe(epoch: Epoch) -> str:
    return (
        f"loss {epoch.train_loss:.2e}  validation {epoch.validation_loss:.2e}  "
        f"best {epoch.best_loss:.2e}  step {epoch.step:.1e}"
    )


def _lines(
    max_seconds: float, stream: TextIO, clock: Callable[[], float]
) -> Callable[[Epoch], None]:
    last = -math.inf

    def show(epoch: Epoch) -> None:
        nonlocal last
        if clock() - last >= LOG_INTERVAL_SECONDS or epoch.epoch == epoch.epochs:
            last = clock()
            print(
                f"epoch {epoch.epoch}/{epoch.epochs}  {_describe(epoch)}  "
                f"ETA {epoch.remaining_seconds(max_seconds):.0f} s",
                file=stream,
                flush=True,
            )

    return show


@contextmanager
def _bar(
    max_seconds: float, stream: TextIO, clock: Callable[[], float]
) -> Iterator[Callable[[Epoch], None]]:
    # imported here, because a log and `--if-none` do not need it
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.percentage:>3.0f}%"),
        BarColumn(bar_width=16),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("", total=1.0, text="")
        last = -math.inf

        def show(epoch: Epoch) -> None:
            nonlocal last
            if clock() - last < BAR_INTERVAL_SECONDS and epoch.epoch < epoch.epochs:
                return
            last = clock()
            text = (  # fits 80 columns
                f"ETA {epoch.remaining_seconds(max_seconds):.0f} s  loss {epoch.train_loss:.1e}  "
                f"best {epoch.best_loss:.1e}  step {epoch.step:.1e}"
            )
            bar.update(task, completed=epoch.fraction_done(max_seconds), text=text)

        yield show
