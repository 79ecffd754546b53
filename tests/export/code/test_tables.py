import numpy as np
import pytest

from export.code.tables import AT_A_TIME, COLUMNS, numbers
from network import Array


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.1]),
        np.array([-0.0, 5e-324, 1e22, -1e-7, 1.7976931348623157e308, 1 / 3]),
        np.random.default_rng(0).normal(size=(40, 30)),
        np.arange(2 * AT_A_TIME + 1),
    ],
    ids=["one", "extreme", "matrix", "whole numbers"],
)
def test_numbers_are_read_as_the_same_numbers(array: Array) -> None:
    text = numbers(array)
    assert all(len(line) <= COLUMNS for line in text.splitlines())
    read = np.array(list(map(float, text.split(","))))
    assert read.tobytes() == array.ravel().astype(np.float64).tobytes()


def test_infinity_has_the_name_of_the_language() -> None:
    assert numbers(np.array([-np.inf, 1.0, np.inf]), "Infinity") == "  -Infinity, 1.0, Infinity"


def test_lines_are_filled() -> None:
    lines = numbers(np.zeros(200)).splitlines()
    assert all(len(line) > COLUMNS - 6 for line in lines[:-1])
