"""A group of members of one model, which are trained in lock step as one batched array."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from network import Array, Loss
from network.ensemble.weights import Floats, Shape, Weights
from trainer.ensemble.data import Inputs, Integers
from trainer.ensemble.networks.adamw import AdamW
from trainer.ensemble.networks.sampling import Sampler
from trainer.ensemble.networks.workspace import Workspace, dropout_masks
from trainer.ensemble.plan import Plan

JUDGED_ROWS = 8192  # of each member's fold, for the loss after each epoch
PREDICTED_ROWS = 256  # of each member per pass
_OUTPUT_FACTOR = 0.3
_BIAS_DEVIATION = 0.5


@dataclass(frozen=True)
class EpochLosses:
    """Losses of a group in one epoch, per target and weight.

    Attributes
    ----------
    train : the mean over members and batches, each before its step and with dropout
    held_out : of each member after the epoch, on rows of its fold, if it has any
    """

    train: float
    held_out: list[float]


class Group:
    """Networks of one model, each trained on the rows outside a fold.

    Parameters
    ----------
    held_out : the partition and the fold of each member
    seed : for the start, the order of the rows and dropout
    poll : called before every step; may raise to stop
    """

    def __init__(
        self,
        inputs: Inputs,
        held_out: Sequence[tuple[int, int]],
        plan: Plan,
        loss: Loss,
        *,
        seed: Sequence[int],
        poll: Callable[[], None],
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.held_out = held_out
        data = inputs.data
        self._inputs, self._data = inputs, data
        self._plan, self._loss, self._poll = plan, loss, poll
        self._rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed)))
        self._dtype = np.dtype(dtype)
        self._shape = Shape(
            len(held_out), data.inputs, len(inputs.ramps), plan.hidden, data.targets
        )
        self._theta = _start(self._shape, self._rng).astype(dtype)
        self._best = self._theta.copy()
        self._weights = Weights.of(self._theta, self._shape)
        self._gradient = np.empty_like(self._theta)
        self._gradients = Weights.of(self._gradient, self._shape)
        self._adam = AdamW(
            self._theta, self._shape.factors, plan.factor_rate, self._shape.first_matrix
        )
        self._samplers = [Sampler(data, *each, plan.epoch_rows) for each in held_out]
        self._judged = [self._judged_rows(each) for each in self._samplers]
        rows = min(each.count for each in self._samplers)
        self._batch = min(plan.batch, rows)
        self._steps = rows // self._batch
        self._training = Workspace(self._shape, self._batch, dtype)
        predicted = min(PREDICTED_ROWS, max(1, *map(len, self._judged)))
        self._predicting = Workspace(self._shape, predicted, dtype)

    def epoch(self, progress: Callable[[float], float]) -> EpochLosses:
        """Train for one epoch.

        Parameters
        ----------
        progress : maps the fraction of the epoch to that of the training
        """
        with np.errstate(all="ignore"):  # a loss that is not finite ends the training
            order = np.stack(
                [each.epoch(self._rng, self._steps * self._batch) for each in self._samplers]
            )
            batches = order.reshape(len(order), self._steps, self._batch)
            losses = sum(
                self._step(batches[:, step].ravel(), progress(step / self._steps))
                for step in range(self._steps)
            )
            return EpochLosses(losses / self._steps, self._held_out_losses())

    def keep(self) -> None:
        """Keep the current weights as the best."""
        self._best[:] = self._theta

    def best(self) -> Weights:
        """Return the best weights."""
        return Weights.of(self._best, self._shape)

    def predict_held_out(self, judged: Integers, out: Floats) -> None:
        """Write each member's best predictions for those rows of its fold that are judged.

        Parameters
        ----------
        judged : (n,), increasing
        out : (P, n, K)
        """
        folds = self._data.folds[:, judged]
        rows = [judged[folds[each.partition] == each.fold] for each in self._samplers]
        with np.errstate(all="ignore"):
            for member, part, Y in self._predict(self.best(), rows):
                places = np.searchsorted(judged, part)
                out[self._samplers[member].partition, places] = Y

    def state(self) -> dict[str, Any]:
        """Return everything that a new instance needs to continue with identical bits."""
        return {
            "theta": self._theta,
            "best": self._best,
            "adam": self._adam.state(),
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` returned."""
        self._theta[:] = state["theta"]
        self._best[:] = state["best"]
        self._adam.restore(state["adam"])
        self._rng.bit_generator.state = state["rng"]

    def _step(self, rows: Integers, progress: float) -> float:
        """Take one step with rows (M·n,), and return the loss before it."""
        self._poll()
        data, workspace = self._data, self._training
        Z, R = (each.reshape(len(rows), each.shape[-1]) for each in (workspace.Z, workspace.R))
        self._inputs.gather(rows, Z, R)
        size = (self._shape.members, self._batch, self._shape.hidden)
        masks = dropout_masks(self._rng, self._plan.dropout_at(progress), size, self._dtype)
        delta = workspace.forward(self._weights, masks)
        flat = cast("Array", delta.reshape(len(rows), -1).T)
        flat -= data.Y[rows].T
        weights = cast("Array | None", data.weights_of(rows))
        loss = self._loss.total(flat, weights) / flat.size
        self._loss.slope(flat, weights)
        delta *= 1.0 / (self._batch * data.targets)
        workspace.gradient(self._weights, delta, self._gradients)
        rate = self._plan.rate_at(progress)
        self._adam.step(self._theta, self._gradient, rate, self._plan.decay)
        return loss

    def _judged_rows(self, sampler: Sampler) -> Integers:
        rows = sampler.held_out()
        return self._rng.permutation(rows)[:JUDGED_ROWS] if len(rows) > JUDGED_ROWS else rows

    def _held_out_losses(self) -> list[float]:
        totals, sizes = np.zeros(len(self._judged)), np.zeros(len(self._judged))
        for member, rows, Y in self._predict(self._weights, self._judged):
            residuals = (Y - self._data.Y[rows]).T.astype(np.float64)
            weights = self._data.weights_of(rows)
            w = None if weights is None else weights.astype(np.float64)
            totals[member] += self._loss.total(residuals, w)
            sizes[member] += self._data.targets * (len(rows) if w is None else w.sum())
        judged = sizes > 0
        losses: list[float] = (totals[judged] / sizes[judged]).tolist()
        return losses

    def _predict(
        self, weights: Weights, rows: Sequence[Integers]
    ) -> Iterator[tuple[int, Integers, Floats]]:
        """Yield a member, some of its rows (n,) and its predictions for them (n, K)."""
        workspace = self._predicting
        n = workspace.Z.shape[1]
        for start in range(0, max(map(len, rows)), n):
            self._poll()
            parts = [each[start : start + n] for each in rows]
            for part, Z, R in zip(parts, workspace.Z, workspace.R, strict=True):
                self._inputs.gather(np.resize(part, n), Z, R)  # repeated, or row 0 if it is empty
            Y = workspace.forward(weights)
            for member, part in enumerate(parts):
                yield member, part, Y[member, : len(part)]


def _start(shape: Shape, rng: np.random.Generator) -> Floats:
    """Return a random θ: W ~ N(0, 1/inputs) for each layer, with smaller outputs."""
    theta = rng.standard_normal(shape.parameters)
    weights = Weights.of(theta, shape)
    for array, factor in (
        (weights.s, 0.0),
        (weights.b1, _BIAS_DEVIATION),
        (weights.b2, _BIAS_DEVIATION),
        (weights.b3, 0.0),
        (weights.W, (shape.inputs + shape.ramps) ** -0.5),
        (weights.V, (shape.inputs + shape.ramps) ** -0.5),
        (weights.W2, shape.hidden**-0.5),
        (weights.W3, _OUTPUT_FACTOR * shape.hidden**-0.5),
        (weights.U, 0.0),
    ):
        np.multiply(array, factor, array)
    weights.s[:] = 1.0
    return theta
