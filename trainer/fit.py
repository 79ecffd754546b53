"""The training loop, which owns batches, stopping and the best weights for every optimizer."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from network import Array, Backpropagation
from trainer.optimizers import Optimizer
from trainer.schedules import Schedule
from trainer.split import Rows


class Stopped(StrEnum):
    """Why a training ended."""

    EPOCHS = "all epochs done"
    PATIENCE = "no better for a while"
    TIME = "time limit"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    epochs : passes over the training rows
    patience : epochs without a better validation loss
    seconds : time for the whole fit
    """

    epochs: int
    patience: int
    seconds: float


@dataclass(frozen=True)
class Epoch:
    """How far the training is, after each epoch.

    Attributes
    ----------
    epoch, epochs : this one, and the limit
    seconds : since the start
    learning_rate : in the epoch's first step
    train_loss : mean over the epoch's batches, each before its step; as `network.loss` defines it
    validation_loss, best_loss : on the validation rows, now and at its best so far
    """

    epoch: int
    epochs: int
    seconds: float
    learning_rate: float
    train_loss: float
    validation_loss: float
    best_loss: float


@dataclass(frozen=True, eq=False)
class Fit:
    """The outcome: the weights with the least validation loss, and how it went.

    Attributes
    ----------
    theta : (P,) float64, that of the best epoch
    best_epoch : 0 where nothing was better than the start
    """

    theta: Array
    best_epoch: int
    stopped: Stopped
    history: list[Epoch]


def fit(
    theta: Array,
    train: Rows,
    validation: Rows,
    backpropagation: Backpropagation,
    optimizer: Optimizer,
    *,
    schedule: Schedule,
    learning_rate: float,
    batch_size: int,
    limits: Limits,
    rng: np.random.Generator,
    clock: Callable[[], float],
    watch: Callable[[Epoch], None],
    stop: Callable[[], bool],
) -> Fit:
    """Minimise the loss over mini-batches, keeping the weights that validate best.

    Parameters
    ----------
    theta : (P,) float64, the start; not changed
    train, validation : scaled rows
    backpropagation : with buffers for `batch_size` rows
    schedule : the factor on `learning_rate` as training proceeds
    clock : seconds, monotone
    watch : told of every epoch
    stop : asked before every step; True ends the training as `Stopped.INTERRUPTED`
    """
    theta = theta.copy()
    started = clock()
    best_theta, best_epoch = theta.copy(), 0
    best_loss = backpropagation.loss(theta, validation.X, validation.Y)
    history: list[Epoch] = []
    steps = -(-len(train) // batch_size)

    def stopped_midway() -> Stopped | None:
        if stop():
            return Stopped.INTERRUPTED
        if clock() - started > limits.seconds:
            return Stopped.TIME
        return None

    for epoch in range(1, limits.epochs + 1):
        order = rng.permutation(len(train))
        X, Y = train.X[order], train.Y[order]
        rate = learning_rate * schedule((epoch - 1) / limits.epochs)
        total, rows, stopped = 0.0, 0, None
        for step in range(steps):
            if stopped := stopped_midway():
                break
            batch = slice(step * batch_size, (step + 1) * batch_size)
            loss, gradient = backpropagation.loss_and_gradient(theta, X[batch], Y[batch])
            progress = (epoch - 1 + step / steps) / limits.epochs
            optimizer.step(theta, gradient, learning_rate * schedule(progress))
            batch_rows = len(X[batch])
            total, rows = total + loss * batch_rows, rows + batch_rows
        if not rows:
            break

        validation_loss = backpropagation.loss(theta, validation.X, validation.Y)
        if validation_loss < best_loss:
            best_loss, best_epoch = validation_loss, epoch
            np.copyto(best_theta, theta)
        finite = math.isfinite(validation_loss) and math.isfinite(total)
        if not finite:
            stopped = stopped or Stopped.DIVERGED
        elif epoch - best_epoch >= limits.patience:
            stopped = stopped or Stopped.PATIENCE
        if finite:
            history.append(
                Epoch(
                    epoch=epoch,
                    epochs=limits.epochs,
                    seconds=clock() - started,
                    learning_rate=rate,
                    train_loss=total / rows,
                    validation_loss=validation_loss,
                    best_loss=best_loss,
                )
            )
            watch(history[-1])
        if stopped:
            break
    return Fit(best_theta, best_epoch, stopped or Stopped.EPOCHS, history)
