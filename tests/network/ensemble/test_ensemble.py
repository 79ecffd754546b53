"""Predictions of ensembles: the right numbers, the same bits in any batch, and out of fold."""

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

from network import Array, Column, Encoding, InputError, Scaling, numbers
from network.ensemble.ensemble import MARGIN, Ensemble
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Linear, Networks
from tests.network.ensemble.conftest import MakeEnsemble
from tests.random_ensembles import FEATURES, FOLDS, PARTITIONS

# the weights of the plain networks, the piecewise-linear ones, the process and the linear model
STACKS = {
    "all": (0.3, 0.4, 0.1, 0.2),
    "plain": (1.0, 0.0, 0.0, 0.0),
    "piecewise-linear": (0.0, 1.0, 0.0, 0.0),
    "process": (0.0, 0.0, 1.0, 0.0),
    "linear": (0.0, 0.0, 0.0, 1.0),
}
# the default, an odd size with several targets, wide
SIZES = [(1, 64), (3, 7), (1, 200)]
EVERY_STACK = pytest.mark.parametrize("stack", STACKS)
EVERY_SIZE = pytest.mark.parametrize("size", SIZES, ids=str)


def stack_of(name: str, targets: int = 1) -> Array:
    return np.repeat(np.array([STACKS[name]]).T, targets, axis=1)


def bits(Y: Array) -> bytes:
    return np.where(np.isnan(Y), np.nan, Y).tobytes()  # the bits of a NaN are arbitrary


@cache
def crowd() -> Array:
    """Return 700 rows, some of which are huge, infinite or missing."""
    X = np.random.default_rng(0).normal(size=(700, FEATURES))
    X[::7] *= 1e5
    X[5::31] = 1e300
    X[6::37] = np.nan
    X[9::41] = -np.inf
    return X


@pytest.fixture(scope="module")
def crowd_of(make_ensemble: MakeEnsemble) -> Callable[..., tuple[Ensemble, Array, Array]]:
    """Return a function that makes an ensemble, rows, and the predictions for them as one batch."""

    @cache
    def crowd_of(size: tuple[int, int], stack: str) -> tuple[Ensemble, Array, Array]:
        ensemble = make_ensemble(*size, stack=stack_of(stack, size[0]))
        return ensemble, crowd(), ensemble.predict(crowd())

    return crowd_of


# --- the right numbers


def members_of(ensemble: Ensemble) -> list[tuple[Networks | GaussianProcess | Linear, Array]]:
    """Return each model with its weights in the stack."""
    assert ensemble.process is not None
    assert ensemble.linear is not None
    models: list[Networks | GaussianProcess | Linear]
    models = [*ensemble.networks, ensemble.process, ensemble.linear]
    return list(zip(models, ensemble.stack, strict=True))


@EVERY_STACK
@pytest.mark.parametrize("targets", [1, 3])
def test_prediction_is_the_stack_of_the_means_of_the_members(
    targets: int, stack: str, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble(targets, stack=stack_of(stack, targets))
    X = np.random.default_rng(1).normal(size=(40, FEATURES))
    X[3, 2] = np.nan
    Z = ensemble.inputs(X)
    expected = np.zeros((40, targets))
    for model, weights in members_of(ensemble):
        outputs = [model.predict_member(m, Z) for m in range(len(model.held_out))]
        expected += weights * np.mean(outputs, axis=0)
    scaling = ensemble.target_scaling
    expected = expected * scaling.scale + scaling.shift
    np.testing.assert_allclose(ensemble.predict(X), expected, rtol=1e-10, atol=1e-10)


def test_each_target_may_have_a_stack_of_its_own(make_ensemble: MakeEnsemble) -> None:
    X = np.random.default_rng(1).normal(size=(10, FEATURES))
    columns = [stack_of(name, 2)[:, 0] for name in ("plain", "linear")]
    both = make_ensemble(2, stack=np.stack(columns, axis=1)).predict(X)
    np.testing.assert_allclose(
        both[:, 0], make_ensemble(2, stack=stack_of("plain", 2)).predict(X)[:, 0]
    )
    np.testing.assert_allclose(
        both[:, 1], make_ensemble(2, stack=stack_of("linear", 2)).predict(X)[:, 1]
    )


def test_out_of_fold_predictions_are_of_the_members_that_have_not_seen_the_row(
    make_ensemble: MakeEnsemble,
) -> None:
    ensemble = make_ensemble(2)
    rng = np.random.default_rng(1)
    X, folds = rng.normal(size=(50, FEATURES)), rng.integers(0, FOLDS, (PARTITIONS, 50))
    Y = ensemble.predict_out_of_fold(X, folds)
    scaling = ensemble.target_scaling
    for row in range(50):
        Z = ensemble.inputs(X[row : row + 1])
        expected = np.zeros(2)
        for model, weights in members_of(ensemble):
            unseen = [m for m, (p, k) in enumerate(model.held_out) if folds[p, row] == k]
            assert len(unseen) == PARTITIONS
            expected += weights * np.mean([model.predict_member(m, Z)[0] for m in unseen], axis=0)
        np.testing.assert_allclose(Y[row], expected * scaling.scale + scaling.shift)


@pytest.mark.parametrize("shape", [(50,), (PARTITIONS, 49)], ids=str)
def test_folds_of_another_shape_are_refused(
    shape: tuple[int, ...], make_ensemble: MakeEnsemble
) -> None:
    with pytest.raises(InputError, match="folds have shape"):
        make_ensemble().predict_out_of_fold(np.zeros((50, FEATURES)), np.zeros(shape, int))


@EVERY_STACK
def test_zero_rows_give_zero_predictions(stack: str, make_ensemble: MakeEnsemble) -> None:
    ensemble = make_ensemble(2, stack=stack_of(stack, 2))
    X = np.empty((0, FEATURES))
    assert ensemble.predict(X).shape == (0, 2)
    assert ensemble.predict_out_of_fold(X, np.empty((PARTITIONS, 0), int)).shape == (0, 2)


# --- the same bits


@EVERY_STACK
@EVERY_SIZE
@settings(max_examples=8)
@given(
    count=st.one_of(st.integers(1, 40), st.sampled_from([128, 129, 700])),
    seed=st.integers(0, 2**32 - 1),
)
def test_row_has_the_same_bits_in_any_batch_at_any_position(
    size: tuple[int, int],
    stack: str,
    count: int,
    seed: int,
    crowd_of: Callable[..., tuple[Ensemble, Array, Array]],
) -> None:
    ensemble, X, together = crowd_of(size, stack)
    chosen = np.random.default_rng(seed).permutation(len(X))[:count]
    assert bits(ensemble.predict(X[chosen])) == bits(together[chosen])


@EVERY_STACK
@EVERY_SIZE
def test_predict_row_has_the_bits_of_predict(
    size: tuple[int, int],
    stack: str,
    crowd_of: Callable[..., tuple[Ensemble, Array, Array]],
) -> None:
    ensemble, X, together = crowd_of(size, stack)
    for row, expected in zip(X[:60], together, strict=False):
        y = ensemble.predict_row(row.tolist())
        assert all(type(number) is float for number in y)
        assert bits(np.array(y)) == bits(expected)


@EVERY_SIZE
def test_concurrent_threads_get_the_same_bits(
    size: tuple[int, int], crowd_of: Callable[..., tuple[Ensemble, Array, Array]]
) -> None:
    ensemble, X, together = crowd_of(size, "all")

    def predict(start: int) -> bool:
        rows = slice(start, start + 1 + start % 50)
        one = np.array(ensemble.predict_row(X[start].tolist()))
        many = ensemble.predict(X[rows])
        return bits(one) == bits(together[start]) and bits(many) == bits(together[rows])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(predict, range(0, 690, 17)))


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["Nehalem", "Haswell", "SkylakeX"])
def test_row_has_the_same_bits_with_the_kernels_of_other_processors(kernels: str) -> None:
    """Make OpenBLAS use the kernels of another processor; another BLAS ignores the variable."""
    tests = "same_bits_in_any_batch or predict_row_has_the_bits"
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


@pytest.mark.parametrize("huge", [1.7e308, np.inf])
def test_huge_numbers_give_finite_predictions_without_a_warning(
    huge: float, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble()
    X = np.array([[0.1, 0.2, 0.3], [huge, 1.0, -huge]])
    before = np.geterr()
    assert np.isfinite(ensemble.predict(X)).all()
    ensemble.predict_row(X[1].tolist())
    ensemble.assess(X)
    assert np.geterr() == before


@EVERY_STACK
def test_numbers_farther_than_the_margin_have_the_prediction_at_the_margin(
    stack: str, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble(stack=stack_of(stack))
    margin = MARGIN * np.ptp(ensemble.feature_range[:, 0])
    inside, edge, far, lowest, low = ensemble.predict(
        [[x, 0.0, 0.5] for x in (0.9, 1.0 + margin, 1e6, -1.0 - margin, -1e6)]
    )[:, 0]
    assert (far, low) == (edge, lowest)
    assert len({inside, edge, lowest}) == 3


def test_dates_have_no_margin(make_ensemble: MakeEnsemble) -> None:
    columns = (Column("x1", "datetime"), *numbers(["x2", "x3"]))
    near, far = make_ensemble(columns=columns).predict([[3.0, 0.0, 0.5], [30.0, 0.0, 0.5]])
    assert near != far


@pytest.mark.parametrize(
    ("X", "got"), [(np.zeros((2, 4)), "4 columns"), (np.zeros(3), r"shape \(3,\)")], ids=str
)
def test_array_with_another_number_of_columns_is_refused(
    X: Array, got: str, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble()
    for method in (ensemble.predict, ensemble.assess, ensemble.outside, ensemble.unseen):
        with pytest.raises(
            InputError, match=f"^X has {got}; the model expects 3 columns: x1, x2, x3$"
        ):
            method(X)


def test_predict_row_refuses_another_number_of_values(make_ensemble: MakeEnsemble) -> None:
    for row in ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0], []):
        with pytest.raises(ValueError, match="expected 3"):
            make_ensemble().predict_row(row)


def test_outside_marks_the_cells_beyond_the_range_seen_in_training(
    make_ensemble: MakeEnsemble,
) -> None:
    X = [[-1.0, 1.0, np.nan], [-1.0000001, 0.0, 1.0000001]]
    expected = [[False, False, False], [True, False, True]]
    np.testing.assert_array_equal(make_ensemble().outside(X), expected)


def test_unseen_marks_categories_that_training_had_not(make_ensemble: MakeEnsemble) -> None:
    columns = (Column("x1", "category", ("a", "b")), Column("x2"), Column("x3"))
    ensemble = make_ensemble(columns=columns)
    expected = [[True, False, False], [False, False, False]]
    np.testing.assert_array_equal(ensemble.unseen([[-1.0, -1.0, 0.0], [1.0, 0.0, 0.0]]), expected)


# --- frozen, and whole


def test_ensemble_is_frozen(make_ensemble: MakeEnsemble) -> None:
    ensemble = make_ensemble()
    for name in ("stack", "features", "networks"):
        with pytest.raises(FrozenInstanceError):
            setattr(ensemble, name, None)
    for array in (
        ensemble.stack,
        ensemble.networks[0].weights.W2,
        ensemble.networks[1].ramps.start,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"encoding": Encoding.of(2, [(0, 0, 0.0, 1.0)])}, "encoding has shape"),
        ({"encoding": Encoding.of(3, [(0, 0, 0.0, 1.0)])}, "networks has shape"),
        ({"linear": None}, "stack has shape"),
        ({"stack": np.array([[0.5], [1.0], [0.0], [-0.5]])}, "not negative"),
        ({"stack": np.array([[0.5], [np.nan], [0.5], [0.0]])}, "finite"),
        ({"target_scaling": Scaling(np.zeros(2), np.ones(2))}, "target_scaling has shape"),
        ({"feature_range": np.zeros((2, 2))}, "feature_range has shape"),
        ({"feature_range": np.array([[0.0] * 3, [-1.0] * 3])}, "minimum above its maximum"),
        ({"feature_range": np.array([[0.0] * 3, [np.inf] * 3])}, "not finite"),
        ({"columns": (Column("x"), Column("x"), Column("y"))}, "names must be different"),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(
    parts: dict[str, Any], message: str, make_ensemble: MakeEnsemble
) -> None:
    with pytest.raises(InputError, match=message):
        make_ensemble(**parts)
