"""Updates of H in bundles against the same updates of a dense matrix."""

from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from network import Array
from tests.trainer.solvers.problems import written_and_read
from trainer.solvers.quasi_newton.inverse_hessian import BUNDLE, InverseHessian

P = 7
COUNTS = pytest.mark.parametrize("updates", [0, 1, BUNDLE - 1, BUNDLE, BUNDLE + 1, 3 * BUNDLE + 5])


def update(rng: Generator) -> tuple[Array, Array, float]:
    """Return a random pair, a symmetric C and τ."""
    half = rng.normal(size=(2, 2))
    return rng.normal(size=(2, P)), half + half.T, float(rng.uniform(0.5, 2.0))


def dense(H: InverseHessian) -> Array:
    return np.column_stack([H @ e for e in np.eye(P)])


@COUNTS
@pytest.mark.parametrize("scale", [1.0, 0.03])
def test_every_update_equals_the_dense_update(updates: int, scale: float) -> None:
    rng = np.random.default_rng(updates)
    H, expected = InverseHessian(P), scale * np.eye(P)
    H.reset(scale)
    for _ in range(updates):
        pair, C, tau = update(rng)
        H.update(pair, C, tau)
        expected = (expected + pair.T @ C @ pair) / tau
        np.testing.assert_allclose(dense(H), expected, rtol=0, atol=1e-12 * abs(expected).max())


@COUNTS
def test_it_stays_symmetric(updates: int) -> None:
    rng, H = np.random.default_rng(updates), InverseHessian(P)
    for _ in range(updates):
        H.update(*update(rng))
    np.testing.assert_allclose(dense(H), dense(H).T, rtol=0, atol=1e-13 * abs(dense(H)).max())


@COUNTS
def test_reset_discards_every_update(updates: int) -> None:
    rng, H = np.random.default_rng(updates), InverseHessian(P)
    for _ in range(updates):
        H.update(*update(rng))
    H.reset(0.25)
    np.testing.assert_array_equal(dense(H), 0.25 * np.eye(P))


@COUNTS
def test_it_continues_from_its_state_with_the_same_bits(updates: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(updates)
    H, fresh = InverseHessian(P), InverseHessian(P)
    for _ in range(updates):
        H.update(*update(rng))
    fresh.restore(written_and_read(H.state(), tmp_path))
    for _ in range(2 * BUNDLE):
        assert dense(fresh).tobytes() == dense(H).tobytes()
        pair, C, tau = update(rng)
        H.update(pair, C, tau)
        fresh.update(pair, C, tau)
