"""The held-out rows in a version's file."""

import numpy as np
import pytest

from network import InputError, Rows
from registry import HeldOut, VersionRefused
from registry.model_file import decode, encode, weights_digest
from registry.model_file.held_out import MAX_INPUT_NUMBERS, MAX_INPUT_ROWS, MAX_ROWS
from tests.registry.samples import (
    FILE,
    MODEL,
    Change,
    cast,
    drop,
    forged,
    golden_rows,
    put,
    set_item,
)


def some_held_out(rows: int = 5, features: int = 2, targets: int = 1) -> HeldOut:
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(rows, features)), rng.normal(size=(rows, targets))
    return HeldOut.of(Rows(X, Y), rng.permutation(rows), Y + 0.1)


WITH = encode(3, MODEL, {}, golden_rows(MODEL), held_out=some_held_out())


def test_held_out_rows_round_trip_with_the_same_bits() -> None:
    read, written = decode(WITH).held_out, some_held_out()
    assert read is not None
    for name, array in vars(written).items():
        assert getattr(read, name).tobytes() == array.tobytes()


def test_a_file_without_held_out_rows_is_read() -> None:
    assert decode(FILE).held_out is None


def test_a_sample_is_bounded_in_rows_and_in_numbers() -> None:
    many = some_held_out(rows=1_200, features=2)
    assert many.actual.shape == (MAX_ROWS, 1)
    assert many.inputs.shape == (MAX_INPUT_ROWS, 2)
    assert some_held_out(rows=300, features=1_000).inputs.shape == (
        MAX_INPUT_NUMBERS // 1_000,
        1_000,
    )


def test_held_out_rows_change_neither_the_weights_digest_nor_the_memory() -> None:
    without = encode(3, MODEL, {}, golden_rows(MODEL))
    assert weights_digest(WITH) == weights_digest(without)
    assert decode(WITH).array_bytes == decode(without).array_bytes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("held_out_inputs"), "no held_out_inputs"),
        (drop("held_out_rows"), "no held_out_rows"),
        (put("held_out_actual", [1.0]), "expected"),
        (put("held_out_predicted", [[1.0]]), "expected"),
        (put("held_out_rows", np.zeros((5, 1))), "expected"),
        (put("held_out_inputs", np.zeros((6, 2))), "at most 5 rows"),
        (put("held_out_inputs", np.zeros((5, 3))), "3 features; expected 1 and 2"),
        (put("held_out_inputs", np.zeros(5)), "at most 5 rows"),
        (set_item("held_out_inputs", np.nan), "not finite"),
        (set_item("held_out_actual", np.inf), "not finite"),
        (cast("held_out_rows", np.float32), "float64"),
    ],
    ids=[
        "no inputs", "no rows", "flat actual", "fewer predicted", "rows of pairs", "more inputs",
        "other features", "flat inputs", "missing cell", "infinite", "single precision",
    ],
)  # fmt: skip
def test_held_out_rows_of_another_form_are_refused(change: Change, words: str) -> None:
    with pytest.raises(VersionRefused, match=words):
        decode(forged(change, WITH))


def test_too_many_or_no_rows_are_refused() -> None:
    for n in (0, MAX_ROWS + 1):
        with pytest.raises(InputError, match=f"{n} held-out rows"):
            HeldOut(np.zeros(n), np.zeros((n, 1)), np.zeros((n, 1)), np.zeros((0, 2)))
