"""Predictions: the right numbers, the same bits in any batch, and a frozen model."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from network import ACTIVATIONS, Architecture, Array, InputError, Model, Scaling, numbers
from tests.network import textbook

MakeModel = Callable[..., Model]

EVERY_ACTIVATION = pytest.mark.parametrize("activation", ACTIVATIONS)
# the default, no hidden layer, odd sizes, one feature, one unit, several targets, wide
ARCHITECTURES = [
    (4, 32, 16, 1),
    (5, 3),
    (1, 7, 1),
    (13, 17, 3),
    (3, 33, 1, 2),
    (7, 129, 31, 1),
    (4, 1300, 3),
]
EVERY_ARCHITECTURE = pytest.mark.parametrize("sizes", ARCHITECTURES, ids=str)


def bits(Y: Array) -> bytes:
    return np.where(np.isnan(Y), np.nan, Y).tobytes()  # the bits of a NaN are arbitrary


@cache
def crowd(features: int) -> Array:
    """Return 3,000 rows, some of which are huge, infinite or NaN."""
    X = np.random.default_rng(features).normal(size=(3000, features))
    X[::7] *= 1e5
    X[::11] *= 1e12
    X[5::31] = 1e300
    X[6::37] = np.nan
    X[9::41] = -np.inf
    return X


@pytest.fixture(scope="module")
def crowd_of(make_model: MakeModel) -> Callable[..., tuple[Model, Array, Array]]:
    """Return a function that makes a model, rows, and the predictions for them as one batch."""

    @cache
    def crowd_of(sizes: tuple[int, ...], activation: str) -> tuple[Model, Array, Array]:
        model = make_model(sizes, activation)
        X = crowd(sizes[0])
        return model, X, model.predict(X)

    return crowd_of


# --- the right numbers


def by_hand(model: Model, X: Array) -> Array:
    """Scale, compute the forward pass and unscale, with nothing folded together."""
    A = (X - model.feature_scaling.shift) / model.feature_scaling.scale
    *hidden, (W_last, b_last) = model.architecture.layers(model.theta)
    for W, b in hidden:
        A = textbook.activate(model.architecture.activation, A @ W + b)
    Y: Array = (A @ W_last + b_last) * model.target_scaling.scale + model.target_scaling.shift
    return Y


@EVERY_ACTIVATION
@EVERY_ARCHITECTURE
def test_predict_is_the_forward_pass_between_scaling_and_unscaling(
    sizes: tuple[int, ...],
    activation: str,
    make_model: MakeModel,
) -> None:
    model = make_model(sizes, activation)
    X = np.random.default_rng(1).normal(size=(50, sizes[0]))
    expected = by_hand(model, X)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12, atol=1e-12)


@EVERY_ACTIVATION
def test_timestamp_loses_no_precision(activation: str, make_model: MakeModel) -> None:
    offsets = np.arange(-64, 65)[:, None] / 64  # exact when added to 1.7e9
    scale = np.array([0.5])
    at_zero = make_model((1, 8, 1), activation, feature_scaling=Scaling(np.zeros(1), scale))
    late = make_model((1, 8, 1), activation, feature_scaling=Scaling(np.array([1.7e9]), scale))
    assert late.predict(1.7e9 + offsets).tobytes() == at_zero.predict(offsets).tobytes()


def test_predict_accepts_everything_that_numpy_converts_to_a_matrix(make_model: MakeModel) -> None:
    model = make_model()
    wide = np.arange(-48.0, 48.0).reshape(12, 8)
    X = wide[::-2, ::2]
    expected = model.predict(X.copy()).tobytes()
    for same in (X, np.asfortranarray(X), X.astype(int), X.astype(np.float32), X.tolist()):
        assert model.predict(same).tobytes() == expected


def test_predict_does_not_change_its_rows_and_returns_new_arrays(make_model: MakeModel) -> None:
    model = make_model()
    X = np.random.default_rng(0).normal(size=(20, 4))
    before = X.copy()
    first = model.predict(X)
    kept = first.copy()
    model.predict(X + 1.0)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("targets", [1, 3])
def test_zero_rows_give_zero_predictions(targets: int, make_model: MakeModel) -> None:
    model = make_model((4, 8, targets))
    assert model.predict(np.empty((0, 4))).shape == (0, targets)


# --- the same bits


@pytest.mark.slow
@EVERY_ACTIVATION
@EVERY_ARCHITECTURE
@settings(max_examples=8)
@given(
    count=st.one_of(st.integers(1, 40), st.sampled_from([1023, 1024, 1025, 3000])),
    seed=st.integers(0, 2**32 - 1),
)
def test_row_has_the_same_bits_in_any_batch_at_any_position(
    sizes: tuple[int, ...],
    activation: str,
    count: int,
    seed: int,
    crowd_of: Callable[..., tuple[Model, Array, Array]],
) -> None:
    model, X, together = crowd_of(sizes, activation)
    chosen = np.random.default_rng(seed).permutation(len(X))[:count]
    assert bits(model.predict(X[chosen])) == bits(together[chosen])


@EVERY_ACTIVATION
@EVERY_ARCHITECTURE
def test_row_has_the_same_bits_alone_and_in_every_small_batch(
    sizes: tuple[int, ...],
    activation: str,
    crowd_of: Callable[..., tuple[Model, Array, Array]],
) -> None:
    model, X, together = crowd_of(sizes, activation)
    for count in range(1, 41):
        start = 40 * count  # views, at other addresses in memory
        rows = slice(start, start + count)
        assert bits(model.predict(X[rows])) == bits(together[rows])


@EVERY_ACTIVATION
@EVERY_ARCHITECTURE
def test_predict_row_has_the_bits_of_predict(
    sizes: tuple[int, ...],
    activation: str,
    crowd_of: Callable[..., tuple[Model, Array, Array]],
) -> None:
    model, X, together = crowd_of(sizes, activation)
    for row, expected in zip(X[:100], together, strict=False):
        y = model.predict_row(row.tolist())
        assert all(type(number) is float for number in y)
        assert bits(np.array(y)) == bits(expected)


def test_predict_row_refuses_another_number_of_values(make_model: MakeModel) -> None:
    for row in ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0], []):
        with pytest.raises(ValueError, match="zip"):
            make_model().predict_row(row)


@EVERY_ACTIVATION
@pytest.mark.parametrize("sizes", [(4, 32, 16, 1), (4, 1300, 3)], ids=str)
def test_concurrent_threads_get_the_same_bits(
    sizes: tuple[int, ...],
    activation: str,
    crowd_of: Callable[..., tuple[Model, Array, Array]],
) -> None:
    model, X, together = crowd_of(sizes, activation)

    def predict(start: int) -> bool:
        rows = slice(start, start + 1 + start % 50)
        one = np.array(model.predict_row(X[start].tolist()))
        many = model.predict(X[rows])
        return bits(one) == bits(together[start]) and bits(many) == bits(together[rows])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(predict, range(0, 2900, 17)))


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["Nehalem", "Haswell", "SkylakeX"])
def test_row_has_the_same_bits_with_the_kernels_of_other_processors(kernels: str) -> None:
    """Make OpenBLAS use the kernels of another processor; another BLAS ignores the variable."""
    tests = "same_bits_alone or predict_row_has_the_bits"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", tests, __file__],
        env=os.environ | {"OPENBLAS_CORETYPE": kernels},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode == -signal.SIGILL:
        pytest.skip(f"this processor lacks the instructions of {kernels}")
    assert run.returncode == 0, run.stdout


# --- what cannot be predicted


def saturates(activation: str) -> bool:
    ends = np.array([-np.inf, np.inf])
    with np.errstate(invalid="ignore"):
        ACTIVATIONS[activation].function(ends, ends)
    return bool(np.isfinite(ends).all())


@EVERY_ACTIVATION
@pytest.mark.parametrize("huge", [1.7e308, -1.7e308, np.inf, np.nan])
def test_overflow_gives_no_warning(activation: str, huge: float, make_model: MakeModel) -> None:
    scaling = Scaling(np.zeros(4), np.full(4, 0.01))
    model = make_model((4, 9, 5, 1), activation, feature_scaling=scaling)
    X = np.array([[0.1, 0.2, 0.3, 0.4], [huge, 1.0, -huge, 1.0]])
    before = np.geterr()
    finite, overflown = np.isfinite(model.predict(X))[:, 0]
    model.predict_row(X[1].tolist())
    assert np.geterr() == before
    assert finite
    if not saturates(activation):
        assert not overflown


@pytest.mark.parametrize(
    ("X", "got"),
    [
        (np.zeros((2, 3)), "3 columns"),
        (np.zeros((2, 5)), "5 columns"),
        (np.zeros((0, 3)), "3 columns"),
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros((2, 2, 4)), r"shape \(2, 2, 4\)"),
        (0.5, r"shape \(\)"),
        ([], r"shape \(0,\)"),
    ],
    ids=str,
)
def test_array_with_another_number_of_columns_is_refused(
    X: ArrayLike, got: str, make_model: MakeModel
) -> None:
    model = make_model()
    for method in (model.predict, model.outside):
        with pytest.raises(
            InputError, match=f"^X has {got}; the model expects 4 columns: x1, x2, x3, x4$"
        ):
            method(X)


def test_outside_marks_the_cells_beyond_the_range_seen_in_training(make_model: MakeModel) -> None:
    model = make_model((2, 1), feature_range=np.array([[-1.0, 0.0], [1.0, 5.0]]))
    X = [[-1.0, 5.0], [-1.0000001, 2.0], [0.0, 5.0000001], [2.0, -1.0]]
    expected = [[False, False], [True, False], [False, True], [True, True]]
    np.testing.assert_array_equal(model.outside(X), expected)


# --- frozen, and whole


def test_model_is_frozen(make_model: MakeModel) -> None:
    model = make_model()
    for name in ("theta", "features", "feature_scaling"):
        with pytest.raises(FrozenInstanceError):
            setattr(model, name, None)
    for array in (model.theta, model.feature_range, model.feature_scaling.scale):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


def test_model_copies_its_arrays(make_model: MakeModel) -> None:
    theta = np.random.default_rng(0).normal(size=Architecture((4, 3, 1)).parameters)
    feature_range = np.array([[-1.0] * 4, [1.0] * 4])
    model = make_model((4, 3, 1), theta=theta, feature_range=feature_range)
    X = np.ones((1, 4))
    before = model.predict(X)
    theta[:] = 0.0
    feature_range[:] = 0.5
    np.testing.assert_array_equal(model.predict(X), before)
    assert not model.outside(X).any()
    assert theta.flags.writeable


def test_model_keeps_scaling_and_theta_as_given(make_model: MakeModel) -> None:
    theta = np.arange(1.0, 7.0)
    scaling = Scaling(np.full(5, 2.0), np.full(5, 4.0))
    model = make_model((5, 1), theta=theta, feature_scaling=scaling)
    np.testing.assert_array_equal(model.theta, theta)
    assert model.feature_scaling is scaling


NAN_THETA = np.full(Architecture((2, 3, 1)).parameters, np.nan)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"theta": np.zeros(12)}, r"theta has shape \(12,\); expected \(13,\)"),
        ({"theta": np.zeros((13, 1))}, r"theta has shape \(13, 1\); expected \(13,\)"),
        ({"theta": NAN_THETA}, "theta has numbers that are not finite"),
        ({"feature_range": np.zeros(2)}, r"feature_range has shape \(2,\); expected \(2, 2\)"),
        ({"feature_range": [[0, 0], [1, np.inf]]}, "feature_range has numbers that are not"),
        ({"feature_range": [[0, 2], [1, 1]]}, "a minimum above its maximum"),
        (
            {"feature_scaling": Scaling(np.zeros(3), np.ones(3))},
            r"feature_scaling has shape \(3,\); expected \(2,\)",
        ),
        (
            {"target_scaling": Scaling(np.zeros(2), np.ones(2))},
            r"target_scaling has shape \(2,\); expected \(1,\)",
        ),
        ({"columns": numbers("a")}, r"features has shape \(1,\); expected \(2,\)"),
        ({"targets": ("a", "b")}, r"targets has shape \(2,\); expected \(1,\)"),
        ({"columns": numbers("aa")}, "names must be different, got a, a"),
    ],
)
def test_parts_that_do_not_match_are_refused(
    part: dict[str, Any], message: str, make_model: MakeModel
) -> None:
    with pytest.raises(InputError, match=message):
        make_model((2, 3, 1), **part)
