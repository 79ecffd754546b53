"""A trained ensemble, which is published, loaded and used for predictions."""

import contextvars
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from network.arrays import Array, freeze
from network.assessment import Assessment, RowAssessment
from network.column import Column, extrapolation_limits, outside, unseen
from network.encoding import Encoding
from network.ensemble.error_scale import ErrorScale
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Linear, Networks
from network.ensemble.stack import CHUNK, Stack
from network.errors import InputError
from network.familiarity import Familiarity
from network.scaling import Scaling

MAX_FOLDS = 255
MARGIN = 0.1  # of a number's range in training: how far beyond it predictions go on changing

# An overflow gives a prediction that is not finite, not a warning. To enter a copied context takes
# a tenth of the time of `np.errstate`.
_QUIET = contextvars.copy_context()
_QUIET.run(np.seterr, all="ignore")


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Networks, a Gaussian process and a linear model, stacked. Safe to share between threads.

    The prediction is the sum of each model's mean over its members, times its weight in the stack.
    A number far outside its range in training is replaced by the nearest one that is `MARGIN` of
    the range outside it, because the models' slopes say nothing about what is farther.

    Attributes
    ----------
    columns : the features, in the order of the columns of X
    targets : names, in order
    encoding : the inputs computed from the features
    networks : of each model of networks, its members
    linear : the members of the linear model; None if there is none
    stack : (models, targets) float64, not negative, the weight of each model: of those of networks,
        of the Gaussian process if there is one, and of the linear one if there is one
    target_scaling : of the targets
    feature_range : (2, features) float64, smallest and largest value seen in training
    process : the members of the Gaussian process; None if there is none
    error_scale : the expected size of a row's error; None if it is the same for all rows
    familiarity : which rows are like those of training; None if that is not known
    extrapolation_limits : (2, features) float64, see `network.column.extrapolation_limits`
    limits : (2, inputs) float64, between which the stack receives the inputs
    stacked : all parts as one function of the inputs

    Raises
    ------
    InputError
        parts that do not fit each other, names that repeat, or numbers that are out of range.
    """

    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    encoding: Encoding
    networks: tuple[Networks, ...]
    linear: Linear | None
    stack: Array
    target_scaling: Scaling
    feature_range: Array
    process: GaussianProcess | None = None
    error_scale: ErrorScale | None = None
    familiarity: Familiarity | None = None
    features: tuple[str, ...] = field(init=False)
    extrapolation_limits: Array = field(init=False, repr=False)
    limits: Array = field(init=False, repr=False)
    stacked: Stack = field(init=False, repr=False)

    def __post_init__(self) -> None:
        freeze(self, "stack", "feature_range")
        object.__setattr__(self, "features", tuple(each.name for each in self.columns))
        self._check()
        scaled = self.encoding.scaled_columns
        limits = extrapolation_limits(self.columns, self.feature_range, scaled)
        object.__setattr__(self, "extrapolation_limits", limits)
        object.__setattr__(self, "limits", _QUIET.copy().run(self._input_limits))
        parts = (self.networks, self.linear, self.stack, self.target_scaling)
        stacked = Stack(self.encoding.inputs, *parts, process=self.process)
        object.__setattr__(self, "stacked", stacked)

    @property
    def target_scale(self) -> Array:
        """The standard deviations of the targets in training (targets,)."""
        return self.target_scaling.scale

    @property
    def partitions(self) -> int:
        """The number of partitions of the training rows into folds."""
        return 1 + int(self._held_out[:, 0].max())

    @property
    def folds(self) -> int:
        """The number of folds of each partition."""
        return 1 + int(self._held_out[:, 1].max())

    @property
    def _held_out(self) -> NDArray[np.integer[Any]]:
        return self._parts()[0].held_out

    def predict(self, X: ArrayLike) -> Array:
        """Predict rows. The bits of a row's prediction do not depend on the other rows.

        If a feature is so large that the arithmetic overflows, a prediction may not be finite.

        Parameters
        ----------
        X : (N, features) float64; see `network.column` for the cells

        Returns
        -------
        Y : (N, targets) float64

        Raises
        ------
        InputError
            X is not a matrix with one column for each feature.
        """
        return _QUIET.copy().run(self._predict, self._matrix(X))

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """Predict one row, with less overhead than `predict` and the same bits.

        Parameters
        ----------
        row : one number for each feature

        Returns
        -------
        y : one number for each target

        Raises
        ------
        ValueError
            the number of values is not that of the features.
        """
        return _QUIET.copy().run(self._predict_row, row)

    def assess(self, X: ArrayLike, *, scale: bool = False) -> Assessment:
        """Predict rows, and return what the model knows of the predictions.

        Parameters
        ----------
        X : (N, features) float64
        scale : whether the expected sizes of the errors are needed
        """
        return _QUIET.copy().run(self._assess, self._matrix(X), scale)

    def assess_row(self, row: Sequence[float], *, scale: bool = False) -> RowAssessment:
        """Predict one row and assess it, with less overhead than `assess` and the same bits.

        Raises
        ------
        ValueError
            the number of values is not that of the features.
        """
        return _QUIET.copy().run(self._assess_row, row, scale)

    def predict_out_of_fold(self, X: ArrayLike, folds: NDArray[np.integer[Any]]) -> Array:
        """Predict training rows, each by the members that have not seen it.

        Parameters
        ----------
        X : (N, features) float64
        folds : (partitions, N), the fold of each row in each partition of the training

        Returns
        -------
        Y : (N, targets) float64

        Raises
        ------
        InputError
            X or the folds have another shape.
        """
        X = self._matrix(X)
        if folds.ndim != 2 or folds.shape[1] != len(X):
            raise InputError(f"folds have shape {folds.shape}; expected (partitions, {len(X)})")
        Y = np.zeros((len(X), len(self.targets)))
        with np.errstate(all="ignore"):
            for part, weights in zip(self._parts(), self.stack, strict=True):
                for member, (partition, fold) in enumerate(part.held_out if weights.any() else ()):
                    rows = np.flatnonzero(folds[partition] == fold)
                    for some in np.split(rows, range(CHUNK, len(rows), CHUNK)):
                        Z = self.inputs(X[some])
                        Y[some] += weights / len(folds) * part.predict_member(member, Z)
        Y *= self.target_scaling.scale
        Y += self.target_scaling.shift
        return Y

    def inputs(self, X: Array) -> Array:
        """Return the inputs (N, I) that the stack receives for rows X (N, features)."""
        return self._limited(self.encoding.encode(X))

    def outside(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells of X (N, features) are beyond the limits of extrapolation."""
        return outside(self.extrapolation_limits, self._matrix(X))

    def unseen(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells of X (N, features) are categories that training had not."""
        return unseen(self.columns, self._matrix(X))

    def _predict_row(self, row: Sequence[float]) -> list[float]:
        Z = self._limited(self._encoded(row))
        y: list[float] = self.stacked.predict(Z)[0].tolist()
        return y

    def _assess_row(self, row: Sequence[float], scale: bool) -> RowAssessment:
        Z = self._encoded(row)
        unfamiliar = self.familiarity.unfamiliar_row(Z[0]) if self.familiarity else None
        Z = self._limited(Z)
        Y, sizes = self._predict_with_scale(Z) if scale else (self.stacked.predict(Z), None)
        return RowAssessment(Y[0].tolist(), None if sizes is None else sizes[0], unfamiliar)

    def _encoded(self, row: Sequence[float]) -> Array:
        X = np.array([row], dtype=np.float64)
        if X.shape[1] != len(self.features):
            raise ValueError(f"the row has {X.shape[1]} values; expected {len(self.features)}")
        return self.encoding.encode(X)

    def _assess(self, X: Array, scale: bool) -> Assessment:
        Y = np.empty((len(X), len(self.targets)))
        sizes = np.empty_like(Y) if scale and self.error_scale else None
        unfamiliar = np.empty(len(X), dtype=bool) if self.familiarity else None
        for part in self._chunks(len(X)):
            Z = self.encoding.encode(X[part])
            if unfamiliar is not None and self.familiarity:
                unfamiliar[part] = self.familiarity.unfamiliar(Z)
            Z = self._limited(Z)
            if sizes is None:
                Y[part] = self.stacked.predict(Z)
            else:
                Y[part], sizes[part] = self._predict_with_scale(Z)
        return Assessment(Y, sizes, unfamiliar)

    def _predict_with_scale(self, Z: Array) -> tuple[Array, Array | None]:
        Y = self.stacked.predict(Z)
        if self.error_scale is None:
            return Y, None
        scaling = self.target_scaling
        return Y, self.error_scale.of(Z, scaling.apply(Y)) * scaling.scale

    def _predict(self, X: Array) -> Array:
        Y = np.empty((len(X), len(self.targets)))
        for part in self._chunks(len(X)):
            Y[part] = self.stacked.predict(self.inputs(X[part]))
        return Y

    def _limited(self, Z: Array) -> Array:
        """Limit inputs, in place."""
        np.maximum(Z, self.limits[0], out=Z)  # less overhead than `clip`
        np.minimum(Z, self.limits[1], out=Z)
        return Z

    def _input_limits(self) -> Array:
        limits = np.repeat([[-np.inf], [np.inf]], self.encoding.inputs, axis=1)
        is_number = np.array([column.kind == "number" for column in self.columns])
        limited = self.encoding.continuous & is_number[self.encoding.column.astype(np.intp)]
        margin = MARGIN * (self.feature_range[1] - self.feature_range[0])
        farthest = self.feature_range + np.array([[-1.0], [1.0]]) * margin
        limits[:, limited] = self.encoding.encode(farthest)[:, limited]
        return limits

    def _chunks(self, rows: int) -> list[slice]:
        size = self.stacked.chunk
        return [slice(start, start + size) for start in range(0, rows, size)]

    def _matrix(self, X: ArrayLike) -> Array:
        matrix = np.asarray(X, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            got = f"{matrix.shape[1]} columns" if matrix.ndim == 2 else f"shape {matrix.shape}"
            raise InputError(
                f"X has {got}; the model expects {len(self.features)} columns: "
                f"{', '.join(self.features)}"
            )
        return matrix

    def _parts(self) -> list[Networks | GaussianProcess | Linear]:
        """Return the models, in the order of the rows of `stack`."""
        return [*self.networks, *(each for each in (self.process, self.linear) if each)]

    def _check(self) -> None:
        features, targets, inputs = len(self.columns), len(self.targets), self.encoding.inputs
        expected: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
            ("encoding", (self.encoding.columns,), (features,)),
            ("feature_range", self.feature_range.shape, (2, features)),
            ("target_scaling", self.target_scaling.shift.shape, (targets,)),
            ("stack", self.stack.shape, (len(self._parts()), targets)),
        ]
        expected += [
            ("networks", each.weights.U.shape[1:], (inputs, targets)) for each in self.networks
        ]
        expected += [
            (name, part.slopes.shape[1:], (inputs, targets))
            for name, part in (("process", self.process), ("linear", self.linear))
            if part
        ]
        if self.error_scale:
            sizes = (self.error_scale.inputs, self.error_scale.targets)
            expected.append(("error_scale", sizes, (inputs + targets, targets)))
        if self.familiarity:
            expected.append(("familiarity", (self.familiarity.inputs,), (inputs,)))
        for name, got, want in expected:
            if got != want:
                raise InputError(f"{name} has shape {got}; expected {want}")
        for names in (self.features, self.targets):
            if len(set(names)) != len(names):
                raise InputError(f"names must be different, got {', '.join(names)}")
        if not np.isfinite(self.feature_range).all():
            raise InputError("feature_range has numbers that are not finite")
        if (self.feature_range[0] > self.feature_range[1]).any():
            raise InputError("feature_range has a minimum above its maximum")
        if not (np.isfinite(self.stack).all() and (self.stack >= 0).all()):
            raise InputError("the weights of the stack must be finite and not negative")
        self._check_held_out()

    def _check_held_out(self) -> None:
        """Refuse parts that do not have one member for each fold of each partition."""
        if not self._parts():
            raise InputError("an ensemble needs networks or another model")
        if max(self.folds, self.partitions) > MAX_FOLDS:
            raise InputError(f"an ensemble can have up to {MAX_FOLDS} folds and partitions")
        grid = [(p, k) for p in range(self.partitions) for k in range(self.folds)]
        for part in self._parts():
            if sorted(map(tuple, part.held_out.tolist())) != grid:
                raise InputError("every model needs one member for each fold of each partition")
