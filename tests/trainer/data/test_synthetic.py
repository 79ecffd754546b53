"""The example task."""

import math

import numpy as np
import pytest

from trainer.data.synthetic import synthetic_table, synthetic_target


def test_the_target_follows_the_formula() -> None:
    x1, x2, x3, x4 = row = [0.3, -0.8, 0.5, -0.9]
    expected = math.sin(3 * x1) + x2**2 * math.cos(3 * x3) + x4**3
    np.testing.assert_allclose(synthetic_target(np.array([row, row])), expected, rtol=1e-15)


def test_rows_fill_the_cube_from_minus_one_to_one() -> None:
    table = synthetic_table(5000, seed=0)
    assert (table.features, table.targets) == (("x1", "x2", "x3", "x4"), ("y",))
    assert table.X.shape == (5000, 4)
    np.testing.assert_allclose(table.X.min(axis=0), -1.0, atol=0.01)
    np.testing.assert_allclose(table.X.max(axis=0), 1.0, atol=0.01)
    np.testing.assert_array_equal(table.Y[:, 0], synthetic_target(table.X))


@pytest.mark.parametrize("seed", [0, 7])
def test_same_seed_gives_the_same_rows(seed: int) -> None:
    first, again, other = (synthetic_table(50, number) for number in (seed, seed, seed + 1))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
