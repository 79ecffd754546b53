"""The progress of a training on a terminal and in a log."""

import io
import re

import pytest

from trainer.command_line.console_progress import progress
from trainer.training.epoch import Epoch


def epoch(number: int, seconds: float, epochs: int = 100) -> Epoch:
    return Epoch(
        epoch=number,
        epochs=epochs,
        seconds=seconds,
        step=0.01,
        train_loss=0.25,
        validation_loss=0.5,
        best_loss=0.125,
    )


@pytest.mark.parametrize(
    ("number", "seconds", "fraction", "remaining"),
    [
        (25, 10.0, 0.25, 30.0),  # by epochs
        (25, 30.0, 0.5, 30.0),  # by time: 90 s left by epochs, 30 s of 60 by time
        (100, 10.0, 1.0, 0.0),
        (25, 61.0, 1.0, 0.0),  # slightly over the limit
        (1, 0.0, 0.01, 0.0),
    ],
)
def test_progress_counts_epochs_or_time_whichever_ends_first(
    number: int, seconds: float, fraction: float, remaining: float
) -> None:
    assert epoch(number, seconds).fraction_done(60.0) == fraction
    assert epoch(number, seconds).remaining_seconds(60.0) == remaining


def test_a_log_has_a_line_every_five_seconds_and_one_at_the_end() -> None:
    log, now = io.StringIO(), 0.0
    with progress(1000.0, log, lambda: now) as show:
        for number in range(1, 101):
            now = 0.3 * number
            show(epoch(number, now))
    lines = log.getvalue().splitlines()
    numbers = [int(re.findall(r"^epoch (\d+)/100 ", line)[0]) for line in lines]
    assert numbers == [1, 18, 35, 52, 69, 86, 100]
    assert lines[2] == (
        "epoch 35/100  loss 2.50e-01  validation 5.00e-01  best 1.25e-01  step 1.0e-02  ETA 20 s"
    )


def test_a_terminal_shows_a_bar_with_loss_step_and_eta() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    now = 0.0
    with progress(1000.0, screen, lambda: now) as show:
        for number, now in (
            (25, 10.0),
            (50, 20.0),
            (51, 20.01),
        ):  # the last is too soon
            show(epoch(number, now))
    assert re.search(
        r" 50% .*━.* ETA 20 s  loss 2\.5e-01  best 1\.2e-01  step 1\.0e-02", screen.getvalue()
    )
    assert "epoch" not in screen.getvalue()
