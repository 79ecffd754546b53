"""Ctrl-C and SIGTERM during a training."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from trainer.training.trained import Trained


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT or SIGTERM was received; a second one raises.

    Raises
    ------
    KeyboardInterrupt
        at the second signal.
    """
    interrupted = False

    def handle(number: int, frame: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handle) for number in signals]
    try:
        yield lambda: interrupted
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def confirm_publication(trained: Trained, as_json: bool) -> bool:
    """Ask whether to publish an interrupted training; False if there is no terminal to ask on."""
    untrained = trained.card["training"]["best_epoch"] == 0
    if untrained or as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        click.echo("interrupted: nothing was published", err=True)
        return False
    mse = trained.metrics["mse"]
    # A shell ignores SIGINT in what it starts with "&", so that a second Ctrl-C would be ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    question = f"Interrupted. Publish the best weights so far (test MSE {mse:.3g})?"
    return click.confirm(question, default=False, err=True)
