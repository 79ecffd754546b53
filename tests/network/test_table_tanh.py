"""The tanh for processors without AVX-512, against exact values."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

from network import Array
from network.activations.table_tanh import BLOCK, LIMIT, STEPS, tanh

MAX_ULP = 4.0


def outputs(z: Array) -> Array:
    out = np.full_like(z, np.nan)
    tanh(z, out)
    return out


def exact(x: float) -> Decimal:
    """tanh x to at least 30 digits beyond those that cancel."""
    with localcontext(prec=60 + max(0, -int(np.log10(abs(x))))):
        e = (2 * Decimal(x)).exp()
        return (e - 1) / (e + 1)


def assert_exact(z: Array) -> None:
    for x, y in zip(z.tolist(), outputs(z).tolist(), strict=True):
        error = abs(Decimal(y) - exact(x)) / Decimal(float(np.spacing(y)).__abs__())
        assert error < MAX_ULP, (x, y, error)


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1.0 / STEPS, 0.05, 1.0, 6.0])
def test_result_is_within_4_units_in_the_last_place(scale: float) -> None:
    assert_exact(np.random.default_rng(0).normal(size=300) * scale)


def test_result_is_within_4_units_in_the_last_place_between_entries_of_the_table() -> None:
    k = np.arange(1, 300)
    nearest = (k + 0.5) / STEPS
    assert_exact(np.concatenate([nearest, np.nextafter(nearest, 0), np.nextafter(nearest, 1)]))


def test_result_has_the_sign_of_its_argument() -> None:
    z = np.random.default_rng(1).normal(size=10_000) * 3.0
    np.testing.assert_array_equal(outputs(-z), -outputs(z))
    assert np.signbit(outputs(np.array([-0.0, 0.0]))).tolist() == [True, False]


def test_result_is_never_beyond_1() -> None:
    z = np.linspace(-LIMIT - 1.0, LIMIT + 1.0, 100_001)
    assert np.abs(outputs(z)).max() == 1.0


@pytest.mark.parametrize("other", [0.5, np.inf, np.nan])
def test_extreme_arguments_have_their_limits_whatever_is_beside_them(other: float) -> None:
    huge = [19.5, 20.0, 1e6, 1e13, 1e155, 1.7e308, np.inf]
    z = np.array([*huge, *np.negative(huge), np.nan, 5e-324, -5e-324, 0.3, other])
    expected = [1.0] * 7 + [-1.0] * 7 + [np.nan, 5e-324, -5e-324]
    with np.errstate(all="raise", under="ignore"):
        got = outputs(z)
    np.testing.assert_array_equal(got[:17], expected)
    assert got[17] == outputs(np.array([0.3]))[0]


@given(data=st.data())
def test_number_has_the_same_bits_in_any_slice(data: st.DataObject) -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(size=3 * BLOCK) * 2.0
    z[rng.integers(0, len(z), 3)] = np.inf, np.nan, -1e300  # in some blocks
    whole = outputs(z)
    start = data.draw(st.integers(0, len(z)))
    length = data.draw(st.integers(0, 2 * BLOCK))
    step = data.draw(st.sampled_from([1, 2, 3, 7, -1, -3]))
    part = slice(start, start + length * step if start + length * step >= 0 else None, step)
    np.testing.assert_array_equal(outputs(z[part]), whole[part])


def test_number_has_the_same_bits_at_any_alignment() -> None:
    z = np.random.default_rng(3).normal(size=1000)
    for offset in range(8):
        buffer = np.zeros(8 * 1000 + 8, np.uint8)
        unaligned = buffer[offset : offset + 8000].view(np.float64)
        unaligned[:] = z
        np.testing.assert_array_equal(outputs(unaligned), outputs(z))


def test_output_may_be_strided_or_the_input() -> None:
    z = np.random.default_rng(4).normal(size=(40, 30))
    expected = outputs(z)
    target = np.zeros((40, 60))
    tanh(z, target[:, ::2])
    np.testing.assert_array_equal(target[:, ::2], expected)
    assert not target[:, 1::2].any()
    tanh(z.T, out := np.empty((30, 40)))
    np.testing.assert_array_equal(out, expected.T)
    tanh(z, z)
    np.testing.assert_array_equal(z, expected)


def test_steps_repeated_in_plain_arithmetic_give_the_same_bits() -> None:
    rounder = 1.5 * 2.0**52 / STEPS
    c = 1.0 / 3.0 - (8.0**0.5 - 2.0) * (0.5 / STEPS) ** 2 / 45.0
    z = np.random.default_rng(5).normal(size=1000) * 2.0
    for x, y in zip(z.tolist(), outputs(z).tolist(), strict=True):
        a = (x + rounder) - rounder
        T = float(exact(a)) if a else -0.0
        b = x - a
        d = b * b * c + 1.0
        assert (T * d + b) / (d + T * b) == y


def test_broadcast_input_is_accepted() -> None:
    z = as_strided(np.array([0.25]), (100,), (0,))
    np.testing.assert_array_equal(outputs(z), outputs(np.array([0.25]))[0])
