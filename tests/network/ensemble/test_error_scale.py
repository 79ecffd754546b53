"""The scale of an ensemble's errors: its formula, bounds and bits, and what is refused."""

from typing import Any

import numpy as np
import pytest

from network import Array, ErrorScale, InputError, Scaling
from network.ensemble.error_scale import MAX_LOG
from network.ensemble.parts import Linear, Networks
from tests.random_ensembles import FEATURES, HELD_OUT, make_error_scale

WIDE = {"bounds": np.array([[-MAX_LOG] * 2, [MAX_LOG] * 2])}


def rows(count: int, targets: int = 2) -> tuple[Array, Array]:
    """Return inputs and predictions, some of them extreme."""
    rng = np.random.default_rng(count)
    Z, Y = rng.normal(size=(count, FEATURES + 1)), rng.normal(size=(count, targets))
    Y[::7] *= 50.0
    return Z, Y


def test_the_scale_is_the_exponential_of_the_stacked_members() -> None:
    error_scale = make_error_scale(2, **WIDE)
    Z, Y = rows(30)
    inputs = np.hstack([Z, Y])
    assert error_scale.linear is not None
    g = np.zeros((30, 2))
    parts: list[Networks | Linear] = [*error_scale.networks, error_scale.linear]
    for part, weights in zip(parts, error_scale.stack, strict=True):
        members = [part.predict_member(m, inputs) for m in range(len(HELD_OUT))]
        g += weights * np.mean(members, axis=0)
    g = g * error_scale.log_scaling.scale + error_scale.log_scaling.shift
    np.testing.assert_allclose(error_scale.of(Z, Y), np.exp(g), rtol=1e-10)


def test_the_scale_is_within_its_bounds() -> None:
    error_scale = make_error_scale(2)
    sizes = error_scale.of(*rows(200))
    lowest, highest = np.exp(error_scale.bounds[:, 0])
    assert sizes.min() == lowest
    assert sizes.max() == highest


@pytest.mark.parametrize("count", [1, 2, 33])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(count: int) -> None:
    error_scale = make_error_scale(2, **WIDE)
    parts = rows(count)
    together = error_scale.of(*parts)
    for index in range(count):
        alone = error_scale.of(*(part[index : index + 1] for part in parts))
        assert alone.tobytes() == together[index : index + 1].tobytes()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"networks": (), "linear": None, "stack": np.ones((0, 2))}, "sizes"),
        ({"networks": make_error_scale(1).networks}, "sizes"),
        ({"stack": np.ones((1, 2))}, "stack of an error scale has shape"),
        ({"stack": np.array([[0.5, -0.5], [0.5, 1.5]])}, "not negative"),
        ({"stack": np.full((2, 2), np.nan)}, "finite"),
        ({"log_scaling": Scaling(np.zeros(3), np.ones(3))}, "sizes"),
        ({"bounds": np.zeros((2, 1))}, "bounds of an error scale has shape"),
        ({"bounds": np.array([[1.0] * 2, [0.0] * 2])}, "ascend"),
        ({"bounds": np.array([[0.0] * 2, [MAX_LOG + 1.0] * 2])}, "ascend"),
        ({"bounds": np.full((2, 2), np.nan)}, "ascend"),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_error_scale(2, **parts)


def test_an_error_scale_is_frozen() -> None:
    error_scale: ErrorScale = make_error_scale()
    with pytest.raises(ValueError, match="read-only"):
        error_scale.bounds[0] = 0.0
