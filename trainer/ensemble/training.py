"""Training of an ensemble: all members of all models in lock step, epoch by epoch.

The members of a model stop together, at the epoch where the mean of their held-out losses is
least. No fold selects its own member, so that out-of-fold errors are not optimistic.

Threads train groups of members. Each group has random numbers of its own, and the groups do not
depend on the number of threads. Therefore the weights do not depend on it either.
"""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from config.processors import available_processors
from network import Array, Loss
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Linear, Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Floats, Weights
from network.rows import sample
from trainer.ensemble.data import Data, Inputs
from trainer.ensemble.gaussian_process import gaussian_process
from trainer.ensemble.networks.group import Group
from trainer.ensemble.networks.model import Model
from trainer.ensemble.plan import Plan
from trainer.ensemble.ridge import out_of_fold, ridge
from trainer.ensemble.stacking import STACKED_ROWS, OutOfFold, stack
from trainer.ensemble.trained import Progress, Trained
from trainer.errors import TrainingFailed

PLAIN, PIECEWISE = "plain", "piecewise-linear"
PROCESS, LINEAR = "Gaussian process", "linear"

_QUANTILE_ROWS = 100_000  # sufficient for the edges of the bins
_GROUP_NUMBERS = 1 << 18  # of a layer's inputs and outputs in a step
_POLL_SECONDS = 0.05
_PREDICTION_COST = 0.35  # of a row, relative to training with it

T = TypeVar("T")


class Training:
    """The training of an ensemble.

    Parameters
    ----------
    seed : for all random numbers
    jobs : threads; None for the number of available processors
    seconds : the time limit, by which fewer epochs are planned
    clock : returns monotonic seconds
    dtype : of the networks during training
    """

    def __init__(
        self,
        data: Data,
        plan: Plan,
        loss: Loss,
        seed: int,
        *,
        jobs: int | None = None,
        seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self._data, self._plan, self._loss, self._seed = data, plan, loss, seed
        self._jobs = jobs or available_processors()
        self._clock, self._started, self._seconds = clock, clock(), seconds
        self._in_epochs = 0.0  # seconds, without those before and between them
        self._cancelled = Event()
        self._epoch, self._epochs = 0, plan.epochs
        self._notes = list(plan.notes)
        self._judged = sample(len(data), plan.judged_rows)
        self._inputs = {PLAIN: Inputs(data, Ramps.none(), dtype)}
        if len(ramps := _ramps(data, plan.bins)):
            self._inputs[PIECEWISE] = Inputs(data, ramps, dtype)
        self._models = {
            name: Model(self._groups(inputs, (seed, number), dtype))
            for number, (name, inputs) in enumerate(self._inputs.items())
        }

    def _groups(self, inputs: Inputs, seed: tuple[int, int], dtype: DTypeLike) -> list[Group]:
        """Return all members of a model, in groups whose arrays fit into the cache."""
        plan = self._plan
        held_out = [(p, k) for p in range(plan.partitions) for k in range(plan.folds)]
        numbers = plan.batch * (len(inputs.ramps) + 2 * plan.hidden)  # per member
        size = min(plan.group, max(1, _GROUP_NUMBERS // numbers))
        return [
            Group(
                inputs,
                held_out[first : first + size],
                plan,
                self._loss,
                seed=(*seed, first),
                poll=self._check,
                dtype=dtype,
            )
            for first in range(0, len(held_out), size)
        ]

    def run(
        self,
        watch: Callable[[Progress], None] = lambda progress: None,
        poll: Callable[[], None] = lambda: None,
    ) -> Trained:
        """Train until all models have stopped, and stack them.

        Parameters
        ----------
        watch : called after every epoch; it may call `state`
        poll : called every few hundredths of a second; may raise to stop the training
        """
        self._cancelled.clear()
        with ThreadPoolExecutor(self._jobs) as threads:
            try:
                by_process = threads.submit(self._process)
                if self._jobs == 1:  # its time is not that of an epoch
                    _results([by_process], poll)
                while active := self._active():
                    before = self._clock()
                    self._train(active, threads, poll)
                    self._in_epochs += self._clock() - before
                    self._epoch += 1
                    self._fit_into_time()
                    watch(self._progress(active))
                return self._result(by_process, threads, poll)
            except BaseException:
                self._cancelled.set()
                raise

    def state(self) -> dict[str, Any]:
        """Return everything that a new instance needs to continue with identical bits.

        It must be called between epochs. Its arrays change with the next epoch.
        """
        return {
            "epoch": self._epoch,
            "epochs": self._epochs,
            "seconds": self._elapsed,
            "in_epochs": self._in_epochs,
            "models": {name: model.state() for name, model in self._models.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` returned, for the same data, plan, loss and seed."""
        self._epoch, self._epochs = state["epoch"], state["epochs"]
        self._started = self._clock() - state["seconds"]
        self._in_epochs = state["in_epochs"]
        for name, model in self._models.items():
            model.restore(state["models"][name])

    @property
    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _active(self) -> dict[str, Model]:
        if self._epoch >= self._epochs:
            return {}
        return {
            name: model
            for name, model in self._models.items()
            if model.improves(self._plan.patience)
        }

    def _train(
        self, models: dict[str, Model], threads: ThreadPoolExecutor, poll: Callable[[], None]
    ) -> None:
        """Train the models for one epoch, and record their losses."""
        epoch, epochs = self._epoch, self._epochs

        def progress(fraction: float) -> float:
            return (epoch + fraction) / epochs

        # the models that take longer first, so that the threads end at about the same time
        groups = [group for model in reversed(models.values()) for group in model.groups]
        if self._plan.parallel:
            losses = _results([threads.submit(each.epoch, progress) for each in groups], poll)
        else:
            in_turn = threads.submit(lambda: [each.epoch(progress) for each in groups])
            (losses,) = _results([in_turn], poll)
        remaining = iter(losses)
        for model in reversed(models.values()):
            model.record([next(remaining) for _ in model.groups])

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise _Cancelled

    def _fit_into_time(self) -> None:
        """Reduce the number of epochs to those that fit into the time limit at the pace so far."""
        pace = self._in_epochs / self._epoch
        rows = min(self._plan.epoch_rows, len(self._data)) * self._plan.folds
        reserved = _PREDICTION_COST * len(self._judged) / rows  # in epochs
        left = self._seconds - self._elapsed
        if pace * (self._epochs - self._epoch + reserved) > left:
            self._epochs = self._epoch + max(0, int(left / pace - reserved))

    def _progress(self, trained: dict[str, Model]) -> Progress:
        return Progress(
            self._epoch,
            self._epochs,
            self._elapsed,
            {name: model.history[-1] for name, model in trained.items()},
            {name: model.best_loss for name, model in self._models.items()},
        )

    def _result(
        self,
        by_process: Future[tuple[GaussianProcess, Floats] | None],
        threads: ThreadPoolExecutor,
        poll: Callable[[], None],
    ) -> Trained:
        models = {name: model for name, model in self._models.items() if model.best_epoch}
        shape = len(models), len(self._data.folds), len(self._judged), self._data.targets
        members = np.zeros(shape, np.float32)
        tasks: list[Future[Any]] = [
            threads.submit(group.predict_held_out, self._judged, out)
            for model, out in zip(models.values(), members, strict=True)
            for group in model.groups
        ]
        by_ridge = threads.submit(self._linear)  # while other threads predict
        _results([*tasks, by_ridge, by_process], poll)
        process, linear = by_process.result(), by_ridge.result()
        others = {name: fit for name, fit in ((PROCESS, process), (LINEAR, linear)) if fit}
        if not models and not others:
            raise TrainingFailed("no network has a finite loss, and no other model can be fitted")
        out_of_fold = OutOfFold(members, [predictions for _, predictions in others.values()])
        weights = self._stack(out_of_fold)
        stacked = out_of_fold.stacked(weights)
        self._note_what_shrank(linear is not None)
        return Trained(
            networks={name: self._networks(name) for name in models},
            process=process and process[0],
            linear=linear and linear[0],
            linear_out_of_fold=linear and linear[1],
            stack=dict(zip([*models, *others], weights, strict=True)),
            judged=self._judged,
            out_of_fold=stacked,
            histories={name: model.history for name, model in models.items()},
            best_epochs={name: model.best_epoch for name, model in models.items()},
            notes=self._notes,
        )

    def _process(self) -> tuple[GaussianProcess, Floats] | None:
        """Return the Gaussian process, if there is one, and its predictions out of fold."""
        if len(self._data) > self._plan.process_rows:
            return None
        fit = gaussian_process(self._data, self._plan.folds, self._seed, self._check)
        return (fit[0], fit[1][self._judged]) if fit else None

    def _linear(self) -> tuple[Linear, Floats] | None:
        """Return the linear model, if there is one, and its predictions out of fold."""
        linear = ridge(self._data, self._plan.folds)
        return (linear, out_of_fold(linear, self._data, self._judged)) if linear else None

    def _stack(self, predictions: OutOfFold) -> Array:
        """Return the weight of each model for each target: (models, K)."""
        places = sample(len(self._judged), STACKED_ROWS)
        some = self._judged[places]
        models = predictions.of_models(places).astype(np.float64)
        Y, weights = self._data.Y[some].astype(np.float64), self._data.weights_of(some)
        w = None if weights is None else weights.astype(np.float64)
        each_target = [stack(models[:, :, k], Y[:, k], w, self._loss) for k in range(Y.shape[1])]
        return np.stack(each_target, axis=1)

    def _networks(self, name: str) -> Networks:
        groups = self._models[name].groups
        return Networks(
            Weights.joined([group.best() for group in groups]),
            self._inputs[name].ramps,
            np.array([each for group in groups for each in group.held_out]),
        )

    def _note_what_shrank(self, has_linear: bool) -> None:
        if self._epochs < self._plan.epochs:  # the learning rate fell faster, wherever it ended
            self._notes.append(
                f"the time limit allowed {self._epochs} of up to {self._plan.epochs} epochs"
            )
        if not has_linear:
            self._notes.append(
                f"{self._data.inputs} inputs are too many for the linear model, which was left out"
            )
        for name, model in self._models.items():
            if not model.best_epoch:
                self._notes.append(f"the {name} networks diverged and were left out")


def _results(futures: Sequence[Future[T]], poll: Callable[[], None]) -> list[T]:
    """Wait for the futures, polling, and return their results in order."""
    pending = set(futures)
    while pending:
        _, pending = wait(pending, _POLL_SECONDS)
        poll()
    return [future.result() for future in futures]


class _Cancelled(Exception):
    """Raised in threads to end their work after the main thread was stopped."""


def _ramps(data: Data, bins: int) -> Ramps:
    if not bins:
        return Ramps.none()
    Z = data.take(sample(len(data), _QUANTILE_ROWS))
    return Ramps.between_quantiles(Z, np.flatnonzero(data.continuous), bins)
