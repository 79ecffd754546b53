"""tanh in thirteen passes of simple vectorised arithmetic, for thousands of numbers at a time.

Without AVX-512, NumPy's tanh takes about three times as long. Let a be the multiple of 1/`STEPS`
nearest to x, and b = x − a. With T = tanh(a) from a table and d = 1 + c·b², so that tanh(b) ≈ b/d,
the addition theorem gives

    tanh(x) = (T + tanh b)/(1 + T·tanh b) ≈ (T·d + b)/(d + T·b)

c is 1/3, as in the continued fraction of tanh, less what makes the relative error of b/d smallest
for |b| ≤ 1/(2·`STEPS`): 0.172·b⁴/45 = 2.2e-16. Together with rounding, the result differs from
tanh(x) by less than 4 units in the last place.

Each number gets the same bits in any array, and −x those of x with the other sign, because every
step is one IEEE operation, symmetrical and without fused multiply-add. The table is correctly
rounded, whatever the C library, so that other languages can repeat the results to the bit.

References
----------
Tang 1991, "Table-Lookup Algorithms for Elementary Functions and Their Error Analysis".
Abramowitz & Stegun 1964, "Handbook of Mathematical Functions": 4.5.26 and 4.5.70.
"""

from functools import cache

import numpy as np

from network.arrays import Array

_COMPILED = np.lib.introspect.opt_func_info("^tanh$", "float64").get("tanh", {}).values()
NUMPY_IS_FASTER = any(
    target in each["current"] for each in _COMPILED for target in ("X86_V4", "AVX512")
)

STEPS = 1024  # of the table, per unit
LIMIT = 20  # from 19.07, tanh is rounded to 1
BLOCK = 14_336  # numbers per pass: few calls, and all arrays of a pass stay in the cache

# Adding 1.5·2⁵²/STEPS rounds x to a multiple of 1/STEPS, and leaves its number in the last bits.
_ROUNDER = np.array(1.5 * 2.0**52 / STEPS)
_FIRST = _ROUNDER.view(np.int64) - LIMIT * STEPS
_HALF_STEP = 0.5 / STEPS
_C = np.array(1.0 / 3.0 - (8.0**0.5 - 2.0) * _HALF_STEP**2 / 45.0)
_ONE = np.array(1.0)
_MAX_SQUARES = 1e24  # of a block; larger numbers would not be rounded to a multiple of 1/STEPS
_TABLE_BITS = 128


def tanh(Z: Array, out: Array) -> None:
    """Write tanh(Z) to `out`, an array of the same shape that may be Z itself.

    Parameters
    ----------
    Z, out : float64
    """
    if not out.flags.c_contiguous:
        result = np.empty(out.shape)
        tanh(Z, result)
        out[...] = result
        return
    z, flat, table = Z.reshape(-1), out.reshape(-1), _table()
    buffers = np.empty((4, min(BLOCK, len(z))))
    with np.errstate(over="ignore"):  # of the sum of squares
        for start in range(0, len(z), BLOCK):
            x = z[start : start + BLOCK]
            if not x.dot(x) <= _MAX_SQUARES:  # very large, infinite or NaN, which `clip` keeps
                x = np.clip(x, -LIMIT, LIMIT)
            _tanh(x, flat[start : start + BLOCK], buffers[:, : len(x)], table)


def _tanh(x: Array, out: Array, buffers: Array, table: Array) -> None:
    b, T, d, q = buffers
    np.add(x, _ROUNDER, b)
    index = np.subtract(b.view(np.int64), _FIRST, q.view(np.int64))
    table.take(index, None, T, "clip")  # beyond the table, T = ±1 makes the result ±1
    np.subtract(b, _ROUNDER, b)
    np.subtract(x, b, b)
    np.multiply(b, b, d)
    np.multiply(d, _C, d)
    np.add(d, _ONE, d)
    np.multiply(T, b, q)
    np.add(d, q, q)
    np.multiply(T, d, T)
    np.add(T, b, T)
    np.divide(T, q, out)


@cache
def _table() -> Array:
    """Return tanh(k/STEPS) for |k| ≤ LIMIT·STEPS, correctly rounded.

    For k = 0 it has −0, so that tanh(−0) = −0 and tanh(0) = 0.
    """
    one = 1 << _TABLE_BITS
    # e⁻²ᵏ in integers, as multiples of 2⁻¹²⁸; the quotient of two integers is correctly rounded
    factor, power, positive = _exponential(one), one, []
    for _ in range(LIMIT * STEPS):
        power = power * factor >> _TABLE_BITS
        positive.append((one - power) / (one + power))
    half = np.array(positive)
    return np.concatenate((-half[::-1], [-0.0], half))


def _exponential(one: int) -> int:
    """Return exp(−2/STEPS)·one by its power series."""
    total, term, n = one, one, 0
    while term:
        n += 1
        term = abs(term) * 2 // (STEPS * n) * (-1) ** n
        total += term
    return total
