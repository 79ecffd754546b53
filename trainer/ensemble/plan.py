"""How large an ensemble is and how long it is trained, by the size of the table and the time."""

import math
from dataclasses import dataclass, replace
from typing import Any

EPOCH_ROWS = 65_536  # at most so many of a member's rows in an epoch
MAX_RAMPS = 4096  # of all inputs together
LEAST_BINS = 4  # with fewer, there is no piecewise-linear model
ENOUGH_EPOCHS = 0.2  # of the limit: most trainings end early, and a short one is not much worse
ENOUGH_STEPS = 4000  # in any case
EPOCHS_IN_TIME = 40  # at least, if an epoch need not have all rows
LEAST_EPOCH_ROWS = 4096
FEW_ROWS = 2500  # with more, the time is better spent on more steps of fewer, wider members
JUDGED_ROWS = 1_000_000  # the standard error of an RMSE is then some 0.1 % of it
PROCESS_ROWS = 2000  # with more, a Gaussian process takes longer than the networks
PROCESS_SECONDS = 5.0  # the least time limit with one
_PROCESSORS = 2  # assumed, so that a plan does not depend on the machine


@dataclass(frozen=True)
class Plan:
    """The sizes of an ensemble and the settings of its training.

    Attributes
    ----------
    folds, partitions : K and P; each model has a member for every fold of every partition
    epochs : the limit
    patience : epochs without a lower mean of the members' held-out losses
    epoch_rows : at most so many rows in an epoch of a member
    batch : rows per step of a member
    group : at most so many members are trained as one array
    bins : at most so many ramps per continuous input; 0 for no piecewise-linear model
    decay : λ of AdamW
    rate, factor_rate : the learning rate at the start; the factor on it for the inputs' factors
    hidden : units in each of the two hidden layers
    parallel : whether threads train groups at the same time; the steps of a small table are so
        short that threads lose more time to the interpreter's lock than they gain
    dropout : the rate for the first half of the epochs
    process_rows : at most so many rows have a Gaussian process
    judged_rows : at most so many rows are predicted out of fold; of more, so many drawn at random
    notes : what is smaller than usual, and why, as sentences
    """

    folds: int
    partitions: int
    epochs: int
    patience: int
    epoch_rows: int
    batch: int
    group: int
    bins: int
    decay: float
    hidden: int
    rate: float = 0.01
    factor_rate: float = 6.0
    dropout: float = 0.15
    parallel: bool = True
    process_rows: int = 0
    judged_rows: int = JUDGED_ROWS
    notes: tuple[str, ...] = ()

    def rate_at(self, progress: float) -> float:
        """Return the learning rate, which decreases to 0 along half a cosine wave."""
        return self.rate * _half_cosine(progress)

    def dropout_at(self, progress: float) -> float:
        """Return the dropout rate: constant for half of the training, then to 0 likewise."""
        return self.dropout * _half_cosine(max(0.0, 2.0 * progress - 1.0))


def make_plan(rows: int, inputs: int = 1, continuous: int = 1, seconds: float = math.inf) -> Plan:
    """Return the plan for a table.

    Parameters
    ----------
    inputs, continuous : the number of inputs, and of those with a piecewise-linear encoding
    seconds : the time limit; the plan has fewer members and bins if a fraction of the training
        would take longer
    """
    small, few = rows < 1000, rows < FEW_ROWS
    folds, partitions = (6, 2) if few else (8, 1) if rows < 50_000 else (5, 1)
    plan = Plan(
        folds,
        partitions,
        epochs=160 if small else 150,
        patience=30,
        epoch_rows=EPOCH_ROWS,
        batch=min(max(rows // 16, min(rows // 4, 64), 16), 256),
        group=6 if small else 4,
        bins=_bins(min(max(rows // 16, 8), 64), continuous),
        decay=min(0.3, 80 / rows),
        hidden=32 if few else 64,
        parallel=not few,
        process_rows=PROCESS_ROWS,
    )
    if rows <= PROCESS_ROWS and seconds < PROCESS_SECONDS:
        plan = replace(plan, process_rows=0, notes=(f"no Gaussian process, {_within(seconds)}",))
    for smaller in ({"partitions": 1}, {"folds": 5}, {"bins": min(plan.bins, 16)}, {"folds": 3}):
        if _enough(plan, rows) * _epoch_seconds(plan, rows, inputs, continuous) <= seconds:
            break
        plan = _reduced(plan, smaller, seconds)
    # time is measured, and the training may end, only between epochs
    share = seconds / EPOCHS_IN_TIME / _epoch_seconds(plan, rows, inputs, continuous)
    epoch_rows = min(plan.epoch_rows, int(share * min(rows, EPOCH_ROWS)) if share < 1.0 else rows)
    epoch_rows = max(LEAST_EPOCH_ROWS, epoch_rows)
    if epoch_rows < rows:
        note = f"an epoch of a network has {epoch_rows} rows drawn at random, not all {rows}"
        plan = replace(plan, epoch_rows=epoch_rows, notes=(*plan.notes, note))
    if plan.judged_rows < rows:
        note = f"its errors are those of {plan.judged_rows} rows drawn at random, not of all {rows}"
        plan = replace(plan, notes=(*plan.notes, note))
    return plan


def _bins(wanted: int, continuous: int) -> int:
    """Return the bins of each input, limited by the number of all ramps."""
    bins = min(wanted, MAX_RAMPS // max(1, continuous))
    return bins if bins >= LEAST_BINS else 0


def _reduced(plan: Plan, smaller: dict[str, Any], seconds: float) -> Plan:
    """Return the plan with fewer of what `smaller` names, and a note."""
    notes = [
        f"{value} instead of {getattr(plan, name)} {name}, {_within(seconds)}"
        for name, value in smaller.items()
        if value < getattr(plan, name)
    ]
    return replace(plan, **smaller, notes=(*plan.notes, *notes)) if notes else plan


def _within(seconds: float) -> str:
    return f"to train within {seconds:g} s"


def _enough(plan: Plan, rows: int) -> float:
    """Return how many epochs a training should have at least."""
    steps = min(rows, plan.epoch_rows) / plan.batch
    return min(ENOUGH_EPOCHS * plan.epochs, ENOUGH_STEPS / steps)


def _epoch_seconds(plan: Plan, rows: int, inputs: int, continuous: int) -> float:
    """Estimate the seconds of an epoch."""
    first_layers = 2 * inputs + plan.bins * continuous  # weights per hidden unit
    microseconds = 3.0 + 0.006 * first_layers  # per row of both models' members; measured
    visits = min(rows, plan.epoch_rows) * plan.folds * plan.partitions
    return visits * microseconds / 1e6 / _PROCESSORS


def _half_cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))
