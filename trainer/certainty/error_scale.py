"""Training of the networks that expect the size of an ensemble's errors, row by row.

They learn log(|r| + c) of the residuals r out of fold, from the inputs and the prediction. c is a
fraction of the median, so that tiny residuals do not dominate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from network import Array, Ensemble, ErrorScale, Scaling, Squared
from network.ensemble.error_scale import MAX_LOG, scale_inputs
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Networks
from trainer.ensemble.data import Data
from trainer.ensemble.plan import Plan
from trainer.ensemble.trained import Trained
from trainer.ensemble.training import LINEAR, Training
from trainer.errors import TrainingFailed

ROWS = 10_000  # sufficient for a smooth function of the size of errors
FOLDS = 5
LEVEL = 0.9  # of the intervals that should be short
FACTORS = np.linspace(0.0, 1.5, 16)
_FRACTION = 0.05
_LEAST_RESIDUAL = 1e-9  # scaled
_LEAST_FACTOR = 1e-9
_LEAST_AVERAGING = 0.25  # of the variance remains
_NORMAL_QUANTILE = 1.6449  # of the absolute value, at `LEVEL`
_TINY = 1e-150


@dataclass(frozen=True, eq=False)
class FittedScale:
    """The scale of an ensemble's errors, and its own values out of fold.

    Attributes
    ----------
    error_scale : None if sizes of errors do not differ noticeably
    sizes : (N, K) float64, σ of the rows by networks that have not seen them; else ones
    notes : what was shrunk or left out of the training, as sentences
    """

    error_scale: ErrorScale | None
    sizes: Array
    notes: tuple[str, ...] = ()


def fit_error_scale(
    Z: Array,
    Y_hat: Array,
    Y: Array,
    *,
    seed: int,
    jobs: int | None = None,
    seconds: float = math.inf,
    poll: Callable[[], None] = lambda: None,
) -> FittedScale:
    """Train the networks.

    Parameters
    ----------
    Z : (N, I), the ensemble's inputs; at most about `ROWS` rows
    Y_hat, Y : (N, K) predictions out of fold, and targets, scaled
    seed, jobs, seconds : as `trainer.ensemble.training.Training` takes them
    poll : called every few hundredths of a second; may raise
    """
    residuals = (Y - Y_hat).astype(np.float64)
    sizes = np.abs(residuals)
    logs = np.log(sizes + np.maximum(_FRACTION * np.median(sizes, axis=0), _LEAST_RESIDUAL))
    log_scaling = Scaling.of(logs)
    inputs = scale_inputs(Z, Y_hat).astype(np.float32)
    data = Data(
        inputs,
        log_scaling.apply(logs).astype(np.float32),
        np.random.default_rng(seed).permutation(len(Z))[None] % FOLDS,
        continuous=np.zeros(inputs.shape[1], dtype=bool),
    )
    training = Training(data, _plan(len(Z)), Squared(), seed, jobs=jobs, seconds=seconds)
    try:
        trained = training.run(poll=poll)
    except TrainingFailed as failed:
        return FittedScale(None, np.ones_like(residuals), (f"left out, because {failed}",))
    g = log_scaling.undo(trained.out_of_fold)
    return _stretched(trained, g, residuals, log_scaling)


def averaging_factors(model: Ensemble, Z: Array, scores: Array, sizes: Array) -> Array:
    """Return by how much errors of new rows are smaller than those out of fold: (n, K), ≤ 1.

    A prediction out of fold is the mean of the few members that have not seen the row, and that for
    a new row the mean of all. So it has less of the variance V of one member: V/(P·K) in place of
    V/P, for P partitions into K folds.

    Parameters
    ----------
    Z : (n, I), inputs of rows
    scores, sizes : (n, targets), residuals out of fold divided by σ, and σ, scaled
    """
    excess = np.zeros_like(sizes)
    parts: list[Networks | GaussianProcess] = [*model.networks]
    parts += [model.process] if model.process else []
    for part, weights in zip(parts, model.stack, strict=False):  # linear members hardly differ
        members = range(len(part.held_out) if weights.any() else 0)
        if not members:
            continue
        variance = np.var([part.predict_member(m, Z) for m in members], axis=0, ddof=1)
        excess += weights**2 * variance * (1.0 / model.partitions - 1.0 / len(members))
    # the variance of scores, from a quantile that few outliers do not change
    spread = np.quantile(abs(scores - np.median(scores, axis=0)), LEVEL, axis=0) / _NORMAL_QUANTILE
    share = excess / (sizes * np.maximum(spread, _TINY)) ** 2
    factors: Array = np.sqrt(np.clip(1.0 - share, _LEAST_AVERAGING, 1.0))
    return factors


def _stretched(trained: Trained, g: Array, residuals: Array, log_scaling: Scaling) -> FittedScale:
    """Return the scale with the differences in g (N, K) multiplied by the best factors."""
    centre = g.mean(axis=0)
    factors = np.array(
        [_best_factor(*each) for each in zip((g - centre).T, residuals.T, strict=True)]
    )
    if not factors.any():
        return FittedScale(None, np.ones_like(g), tuple(trained.notes))
    g = factors * (g - centre)
    used = {name: weights for name, weights in trained.stack.items() if weights.any()}
    error_scale = ErrorScale(
        networks=tuple(each for name, each in trained.networks.items() if name in used),
        linear=trained.linear if LINEAR in used else None,
        stack=np.stack(list(used.values())),
        log_scaling=Scaling(
            factors * (log_scaling.shift - centre),
            np.maximum(factors, _LEAST_FACTOR) * log_scaling.scale,
        ),
        bounds=np.clip([g.min(axis=0), g.max(axis=0)], -MAX_LOG, MAX_LOG),
    )
    return FittedScale(error_scale, np.exp(g), tuple(trained.notes))


def _best_factor(g: Array, residuals: Array) -> float:
    """Return the factor on g (N,) that makes the mean interval score least."""
    scores = [_interval_score(residuals, np.exp(factor * g)) for factor in FACTORS]
    return float(FACTORS[int(np.argmin(scores))])


def _interval_score(residuals: Array, sizes: Array) -> float:
    """Return the mean score of intervals between two quantiles of the residuals' scores.

    Source: Gneiting & Raftery 2007, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    equation 43.
    """
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(residuals / sizes, [tail, 1.0 - tail])
    missed = np.maximum(low * sizes - residuals, 0.0) + np.maximum(residuals - high * sizes, 0.0)
    return float(np.mean((high - low) * sizes + missed / tail))


def _plan(rows: int) -> Plan:
    return Plan(
        FOLDS,
        partitions=1,
        epochs=50,
        patience=15,
        epoch_rows=ROWS,
        batch=min(max(rows // 16, 32), 256),
        group=FOLDS,
        bins=0,
        decay=min(0.3, 80 / rows),
        hidden=32,
        parallel=False,
    )
