"""How large an ensemble is and how long it is trained, by the size of the table."""

import math
from dataclasses import dataclass

EPOCH_ROWS = 131_072  # at most so many of a member's rows in an epoch


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
    bins : at most so many ramps per continuous input
    decay : λ of AdamW
    rate, factor_rate : the learning rate at the start; the factor on it for the inputs' factors
    hidden : units in each of the two hidden layers
    dropout : the rate for the first half of the epochs
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
    rate: float = 0.01
    factor_rate: float = 6.0
    hidden: int = 64
    dropout: float = 0.15

    def rate_at(self, progress: float) -> float:
        """Return the learning rate, which decreases to 0 along half a cosine wave."""
        return self.rate * _half_cosine(progress)

    def dropout_at(self, progress: float) -> float:
        """Return the dropout rate: constant for half of the training, then to 0 likewise."""
        return self.dropout * _half_cosine(max(0.0, 2.0 * progress - 1.0))


def make_plan(rows: int) -> Plan:
    """Return the plan for a table with so many rows."""
    small = rows < 1000
    folds, partitions = (10, 2) if small else (8, 2) if rows < 2500 else (8, 1)
    return Plan(
        folds,
        partitions,
        epochs=200 if small else 150,
        patience=40 if small else 30,
        epoch_rows=EPOCH_ROWS,
        batch=min(max(rows // 16, 32), 256),
        group=10 if small else 4,
        bins=32 if small else 64,
        decay=min(0.3, 80 / rows),
    )


def _half_cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))
