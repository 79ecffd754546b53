"""Regression problems, solvers at their start, and states written to disk and read again."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from network import Architecture, Array, Backpropagation, Rows, initial_parameters
from trainer.solvers import SOLVERS, Iteration, Solver, State, Task
from trainer.solvers.first_order.schedules import cosine
from trainer.solvers.objective import Objective
from trainer.training.checkpoint import Checkpoint
from trainer.training.watchdog import Halt, Stopped

BATCH_SIZE = 16


@dataclass(frozen=True, eq=False)
class Problem:
    """A regression problem, and the loss that every solver must reach on it.

    Attributes
    ----------
    loss : the loss to reach
    iterations, epochs : the limits for solvers that use all rows at once, and for mini-batches
    """

    name: str
    architecture: Architecture
    rows: Rows
    loss: float = 0.0
    iterations: int = 60
    epochs: int = 500

    def objective(self, poll: Callable[[], None] = lambda: None) -> Objective:
        return Objective(self.architecture, self.rows, poll=poll)

    def start(self, seed: int = 0) -> Array:
        return initial_parameters(self.architecture, np.random.default_rng(seed))

    def task(self, objective: Objective | None = None, seed: int = 0, epochs: int = 0) -> Task:
        return Task(
            objective=objective or self.objective(),
            theta=self.start(seed),
            seed=seed,
            iterations=epochs or self.epochs,
            learning_rate=0.01,
            schedule=cosine,
            batch_size=BATCH_SIZE,
        )

    def solver(self, name: str, objective: Objective | None = None, seed: int = 0) -> Solver:
        """Make one of `SOLVERS` with its default learning rate."""
        kind = SOLVERS[name]
        task = vars(self.task(objective, seed)) | {"learning_rate": kind.learning_rate or 0.0}
        return kind.make(Task(**task))

    def iterations_of(self, name: str) -> int:
        return self.iterations if SOLVERS[name].iterations else self.epochs


class Fuse:
    """A poll that halts the training at the n-th call after `set(n)`."""

    def __init__(self) -> None:
        self._left = math.inf

    def set(self, polls: int) -> None:
        self._left = polls

    def __call__(self) -> None:
        self._left -= 1
        if self._left <= 0:
            raise Halt(Stopped.TIME)


def iterate(solver: Solver, times: int) -> list[Iteration]:
    """Iterate, with warnings of overflow and 0/0 off, as `trainer.training.training` does."""
    with np.errstate(all="ignore"):
        return [solver.iterate() for _ in range(times)]


def written_and_read(state: State, folder: Path) -> State:
    """Return a state after it was written to a checkpoint and read again."""
    checkpoint = Checkpoint(folder, {})
    checkpoint.write(state)
    read = checkpoint.read()
    assert read is not None
    return read


def loss_on(rows: Rows, architecture: Architecture) -> Callable[[Array], float]:
    """Return the squared loss on other rows as a function of θ."""
    backpropagation = Backpropagation(architecture)
    return lambda theta: backpropagation.loss(theta, rows)


def least_squares(rows: Rows) -> tuple[Array, float]:
    """Return θ of the best linear network, computed by LAPACK, and its loss."""
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights
    root = np.sqrt(weights)[:, None]
    A = np.column_stack([rows.X, np.ones(len(rows))])
    W, *_ = np.linalg.lstsq(root * A, root * rows.Y)
    residuals = root * (A @ W - rows.Y)
    return W.ravel(), float(np.sum(residuals**2) / (rows.Y.shape[1] * weights.sum()))


def _linear(weighted: bool) -> Problem:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(64, 3))
    Y = X @ rng.normal(size=(3, 2)) + [0.5, -1.0] + rng.normal(0.0, 0.1, (64, 2))
    weights = rng.integers(0, 4, 64).astype(float) if weighted else None
    rows = Rows(X, Y, weights)
    _, least = least_squares(rows)
    name = "weighted line" if weighted else "line"
    return Problem(name, Architecture((3, 2), "identity"), rows, 1.01 * least)


def _curve(activation: str = "tanh") -> Problem:
    rng = np.random.default_rng(2)
    X = rng.uniform(-1.7, 1.7, (96, 2))
    Y = np.column_stack([np.sin(1.5 * X[:, 0]), X[:, 0] * X[:, 1]])
    Y = (Y - Y.mean(0)) / Y.std(0)
    return Problem("curve", Architecture((2, 8, 2), activation), Rows(X, Y), 0.05)


def noisy_curve(rows: int, seed: int, hidden: int = 10, noise: float = 0.5) -> Problem:
    """sin 2x with noise, and a network large enough to overfit it."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.7, 1.7, (rows, 1))
    Y = np.sin(2.0 * X) + rng.normal(0.0, noise, (rows, 1))
    return Problem("noisy curve", Architecture((1, hidden, 1)), Rows(X, Y))


LINE = _linear(weighted=False)
WEIGHTED_LINE = _linear(weighted=True)
CURVE = _curve()
PROBLEMS = [LINE, WEIGHTED_LINE, CURVE]
