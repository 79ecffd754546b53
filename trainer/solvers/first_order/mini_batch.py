"""Mini-batch training: many small steps, each with the gradient of a few rows."""

from typing import Protocol

import numpy as np

from network import Array
from trainer.solvers.solver import Iteration, State, Task


class Optimizer(Protocol):
    """A first-order update rule, with its memory of earlier steps."""

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        """Update θ (P,) in place, given the gradient (P,) of the objective at θ."""

    def state(self) -> State:
        """Return the memory of earlier steps."""

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""


class MiniBatch:
    """One pass over the rows in random order per iteration."""

    def __init__(self, task: Task, optimizer: Optimizer) -> None:
        self.theta = task.theta.copy()
        self._task = task
        self._optimizer = optimizer
        self._rng = np.random.default_rng(task.seed)
        self._epoch = 0

    def iterate(self) -> Iteration:
        """Run one epoch."""
        task = self._task
        rows, size = task.objective.rows, task.batch_size
        order = self._rng.permutation(len(rows))
        starts = range(0, len(rows), size)
        total = 0.0
        for step, start in enumerate(starts):
            batch = rows[order[start : start + size]]
            if not batch.total_weight:
                continue
            loss, gradient = task.objective.value_and_gradient(self.theta, batch)
            progress = (self._epoch + step / len(starts)) / task.iterations
            self._optimizer.step(self.theta, gradient, self._rate(progress))
            total += loss * batch.total_weight
        rate = self._rate(self._epoch / task.iterations)
        self._epoch += 1
        return Iteration(total / rows.total_weight, rate, converged=self._epoch >= task.iterations)

    def state(self) -> State:
        """Return θ, the optimizer's memory and the state of the random numbers."""
        return {
            "theta": self.theta,
            "epoch": self._epoch,
            "optimizer": self._optimizer.state(),
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self.theta, self._epoch = state["theta"], state["epoch"]
        self._optimizer.restore(state["optimizer"])
        self._rng.bit_generator.state = state["rng"]

    def _rate(self, progress: float) -> float:
        return self._task.learning_rate * self._task.schedule(progress)
