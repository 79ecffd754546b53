"""A trained network, which is published, loaded and used for predictions.

The prediction for a row has the same bits in any batch. BLAS selects its kernel, and with it the
order of its sums, by the shape of a product. Therefore every product has the same shape: rows are
processed in blocks of `BLOCK`, the last one padded, and `np.matmul` makes one BLAS call for each
block of the (blocks, BLOCK, columns) stack.

For few rows, the time is spent on the calls themselves. To save calls, the features have a column
of ones and each hidden layer a unit with a constant output, so that a bias is one row of weights.
"""

import contextvars
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from network.activations import ACTIVATIONS
from network.architecture import Architecture
from network.arrays import Array, freeze
from network.assessment import Assessment, RowAssessment
from network.column import Column, extrapolation_limits, outside, unseen
from network.encoding import Encoding
from network.errors import InputError
from network.familiarity import Familiarity
from network.scaling import Scaling

BLOCK = 8  # rows per BLAS call; a multiple of the row tile of every known kernel
CHUNK = 128 * BLOCK  # rows per pass, so that the outputs of all layers fit into the cache

# An overflow gives a prediction that is not finite, not a warning. To enter a copied context takes
# a tenth of the time of `np.errstate`.
_QUIET = contextvars.copy_context()
_QUIET.run(np.seterr, all="ignore")


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its scaling and the names of its columns. Safe to share between threads.

    Attributes
    ----------
    architecture : sizes and activation
    theta : (P,) float64, for scaled inputs and scaled targets
    feature_scaling, target_scaling : of the inputs and the targets
    columns : the features, in the order of the columns of X
    targets : names, in order
    feature_range : (2, features) float64, smallest and largest value seen in training, unscaled
    encoding : the inputs computed from the features; None if the features are the inputs
    familiarity : which rows of scaled inputs are like those of training; None if that is not known
    extrapolation_limits : (2, features) float64, see `network.column.extrapolation_limits`

    Raises
    ------
    InputError
        shapes that do not match, names that repeat, or numbers that are not finite.
    """

    architecture: Architecture
    theta: Array
    feature_scaling: Scaling
    target_scaling: Scaling
    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    feature_range: Array
    encoding: Encoding | None = None
    familiarity: Familiarity | None = None
    features: tuple[str, ...] = field(init=False)
    extrapolation_limits: Array = field(init=False, repr=False)
    _shift: list[float] = field(init=False, repr=False)
    _weights: list[Array] = field(init=False, repr=False)
    _function: Callable[[Array, Array], object] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        freeze(self, "theta", "feature_range")
        object.__setattr__(self, "features", tuple(each.name for each in self.columns))
        self._check()
        if self.encoding is None:
            limits = self.feature_range
        else:
            scaled = self.encoding.scaled_columns
            limits = extrapolation_limits(self.columns, self.feature_range, scaled)
        object.__setattr__(self, "extrapolation_limits", limits)
        function = ACTIVATIONS[self.architecture.activation].function
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_shift", self.feature_scaling.shift.tolist())
        object.__setattr__(self, "_weights", self._augmented_weights())

    @property
    def target_scale(self) -> Array:
        """The standard deviations of the targets in training (targets,); see `Scaling.of`."""
        return self.target_scaling.scale

    def predict(self, X: ArrayLike) -> Array:
        """Predict rows. The bits of a row's prediction do not depend on the other rows.

        If a feature is so large that the arithmetic overflows, a prediction may not be finite.

        Parameters
        ----------
        X : (N, features) float64, unscaled

        Returns
        -------
        Y : (N, targets) float64, unscaled

        Raises
        ------
        InputError
            X is not a matrix with one column for each feature.
        """
        return _QUIET.copy().run(self._predict, self._matrix(X))

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """Predict one row, faster than `predict` and with the same bits.

        Parameters
        ----------
        row : one number for each feature, unscaled

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

        The scale is None, because errors of the same size are expected for all rows.
        """
        return _QUIET.copy().run(self._assess, self._matrix(X))

    def assess_row(self, row: Sequence[float], *, scale: bool = False) -> RowAssessment:
        """Predict one row and assess it, with less overhead than `assess` and the same bits."""
        return _QUIET.copy().run(self._assess_row, row)

    def inputs(self, X: Array) -> Array:
        """Return the scaled inputs (N, I) of rows X (N, features)."""
        return self.feature_scaling.apply(X if self.encoding is None else self.encoding.encode(X))

    def outside(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells of X (N, features) are beyond the limits of extrapolation."""
        return outside(self.extrapolation_limits, self._matrix(X))

    def unseen(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells of X (N, features) are categories that training had not."""
        return unseen(self.columns, self._matrix(X))

    def _assess(self, X: Array) -> Assessment:
        found = self.familiarity.unfamiliar(self.inputs(X)) if self.familiarity else None
        return Assessment(self._predict(X), None, found)

    def _assess_row(self, row: Sequence[float]) -> RowAssessment:
        y, found = self._predict_row(row), None
        if self.familiarity:
            found = self.familiarity.unfamiliar_row(self.inputs(np.array([row]))[0])
        return RowAssessment(y, None, found)

    def _predict_row(self, row: Sequence[float]) -> list[float]:
        if self.encoding is not None:
            if len(row) != len(self.features):
                raise ValueError(f"the row has {len(row)} values; expected {len(self.features)}")
            row = self.encoding.encode(np.array([row]))[0].tolist()
        # For so few numbers, Python is faster than NumPy; the bits are the same.
        shifted = [x - shift for x, shift in zip(row, self._shift, strict=True)]
        block = np.empty((BLOCK, len(shifted) + 1))
        block[:] = [*shifted, 1.0]  # in every row
        y: list[float] = self._forward(block)[0].tolist()
        return y

    def _predict(self, X: Array) -> Array:
        if len(X) <= CHUNK:
            return self._predict_chunk(X)
        Y = np.empty((len(X), len(self.targets)))
        for start in range(0, len(X), CHUNK):
            Y[start : start + CHUNK] = self._predict_chunk(X[start : start + CHUNK])
        return Y

    def _predict_chunk(self, X: Array) -> Array:
        if self.encoding is not None:
            X = self.encoding.encode(X)
        rows, features = X.shape
        blocks = -(-rows // BLOCK)
        A = np.empty((blocks, BLOCK, features + 1) if blocks > 1 else (BLOCK, features + 1))
        flat = A.reshape(-1, features + 1)
        np.subtract(X, self.feature_scaling.shift, flat[:rows, :-1])
        flat[rows:, :-1] = 0.0
        flat[:, -1] = 1.0
        Y = self._forward(A)
        return Y.reshape(-1, Y.shape[-1])[:rows]

    def _forward(self, A: Array) -> Array:
        """Map (…, BLOCK, features + 1), shifted and with ones, to (…, BLOCK, targets), unscaled."""
        # Both make the same BLAS call; `dot` has less overhead.
        product = np.dot if A.ndim == 2 else np.matmul
        *hidden, last = self._weights
        for W in hidden:
            A = product(A, W)
            self._function(A, A)
        Y: Array = product(A, last)
        return Y

    def _augmented_weights(self) -> list[Array]:
        """Return the weights of each layer, with the scales and the biases folded in.

        Each has shape (inputs + 1, outputs + 1). The last column gives one unit the constant input
        z = 1 and hence the output f(1). The last row is the bias, divided by the constant output of
        the previous layer. The last layer has no such column.

        The shift of the features is not folded in. For a feature far from zero, such as a
        timestamp, an exact difference would become a difference of two large products.
        """
        one = np.ones(1)
        self._function(one, one)
        constant, weights = 1.0, []
        for W, b in self.architecture.layers(self.theta):
            augmented = np.zeros((W.shape[0] + 1, W.shape[1] + 1))
            augmented[:-1, :-1] = W
            augmented[-1, :-1] = b / constant
            augmented[-1, -1] = 1.0 / constant
            weights.append(augmented)
            constant = one[0]
        weights[0][:-1] /= self.feature_scaling.scale[:, None]
        last = weights[-1][:, :-1] * self.target_scaling.scale
        last[-1] += self.target_scaling.shift / (1.0 if len(weights) == 1 else constant)
        weights[-1] = last
        return weights

    def _matrix(self, X: ArrayLike) -> Array:
        matrix = np.asarray(X, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            got = f"{matrix.shape[1]} columns" if matrix.ndim == 2 else f"shape {matrix.shape}"
            raise InputError(
                f"X has {got}; the model expects {len(self.features)} columns: "
                f"{', '.join(self.features)}"
            )
        return matrix

    def _check(self) -> None:
        inputs, targets = self.architecture.features, self.architecture.targets
        features = inputs if self.encoding is None else self.encoding.columns
        expected = {
            "theta": (self.theta.shape, (self.architecture.parameters,)),
            "feature_range": (self.feature_range.shape, (2, features)),
            "feature_scaling": (self.feature_scaling.shift.shape, (inputs,)),
            "target_scaling": (self.target_scaling.shift.shape, (targets,)),
            "features": ((len(self.features),), (features,)),
            "targets": ((len(self.targets),), (targets,)),
        }
        if self.encoding is not None:
            expected["encoding"] = (self.encoding.column.shape, (inputs,))
        if self.familiarity is not None:
            expected["familiarity"] = ((self.familiarity.inputs,), (inputs,))
        for name, (got, want) in expected.items():
            if got != want:
                raise InputError(f"{name} has shape {got}; expected {want}")
        for names in (self.features, self.targets):
            if len(set(names)) != len(names):
                raise InputError(f"names must be different, got {', '.join(names)}")
        for name in ("theta", "feature_range"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"{name} has numbers that are not finite")
        if (self.feature_range[0] > self.feature_range[1]).any():
            raise InputError("feature_range has a minimum above its maximum")
