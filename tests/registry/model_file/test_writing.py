"""A version's file: what is written comes back with the same bits."""

import io
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import ACTIVATIONS, MAX_LAYERS, Calibration, Column, Encoding, Model, numbers
from network.encoding import EQUALS, MISSING, SCALED
from registry import VersionRefused
from registry.model_file import decode, encode
from tests.registry.samples import FILE, assert_same, card_with, forged, golden_rows, make_model

LAYERS = [(1, 1), (2, 3, 1), (4, 32, 16, 1), (3, 8, 8, 8, 8, 2), (7, 5, 3)]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", LAYERS, ids=str)
def test_model_round_trips_with_the_same_bits(layers: tuple[int, ...], activation: str) -> None:
    model = make_model(layers, activation)
    content = encode(3, model, {"seed": 7}, golden_rows(model))
    version = decode(content)
    assert_same(version, model)
    assert version.number == 3
    assert version.sha256 == sha256(content).hexdigest()
    assert version.card == {
        "seed": 7,
        "version": 3,
        "features": list(model.features),
        "columns": [{"name": name, "kind": "number"} for name in model.features],
        "targets": list(model.targets),
        "layers": list(layers),
        "activation": activation,
    }


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True).map(tuple)


@pytest.mark.slow
@given(names=NAMES, card=st.dictionaries(st.text(), JSON, max_size=4))
def test_any_names_and_any_card_round_trip(names: tuple[str, ...], card: dict[str, Any]) -> None:
    base = make_model((2, 1))
    model = Model(base.architecture, base.theta, base.feature_scaling, base.target_scaling,
                  numbers(names), ("y",), base.feature_range)  # fmt: skip
    version = decode(encode(3, model, card, golden_rows(model)))
    assert_same(version, model)
    described = {
        "version": 3,
        "features": list(names),
        "columns": [{"name": name, "kind": "number"} for name in names],
        "targets": ["y"],
        "layers": [2, 1],
        "activation": "tanh",
    }
    assert version.card == card | described


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("rows", [1, 2, 9])
def test_golden_rows_may_have_any_memory_order(rows: int, order: Any) -> None:
    model = make_model((4, 8, 3))
    golden = np.asarray(np.random.default_rng(1).normal(size=(rows, 4)), order=order)
    assert_same(decode(encode(3, model, {}, golden)), model)


def test_model_with_the_most_layers_round_trips() -> None:
    model = make_model((2, *[1] * MAX_LAYERS))
    assert_same(decode(encode(3, model, {}, golden_rows(model))), model)


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("rows", [1, 500])
def test_residual_scores_round_trip_with_the_same_bits(rows: int, targets: int) -> None:
    model = make_model((4, 8, targets))
    errors = np.random.default_rng(3).normal(size=(rows, targets))
    calibration = Calibration.of(errors, np.zeros_like(errors))
    loaded = decode(encode(3, model, {}, golden_rows(model), calibration)).calibration
    assert loaded is not None
    assert loaded.scores.tobytes() == calibration.scores.tobytes()


def test_file_without_residual_scores_has_no_calibration() -> None:
    assert decode(FILE).calibration is None


def test_scores_of_another_number_of_targets_are_refused() -> None:
    model = make_model((2, 3, 1))
    with pytest.raises(VersionRefused, match="residual_scores has 2 columns; expected 1"):
        decode(encode(3, model, {}, golden_rows(model), Calibration(np.ones((5, 2)))))


def test_numpy_reads_the_file_without_pickle() -> None:
    with np.load(io.BytesIO(FILE), allow_pickle=False) as archive:
        assert set(archive) == {
            *("format", "weights_0", "bias_0", "weights_1", "bias_1"),
            *("feature_shift", "feature_scale", "target_shift", "target_scale", "feature_range"),
            *("golden_inputs", "golden_outputs", "card", "checksum"),
        }
        assert archive["format"] == "numnet/1"
        assert archive["weights_0"].shape == (2, 3)
        assert archive["bias_0"].shape == (3,)
        assert json.loads(archive["card"].tobytes().decode())["history"] == [1.0, 0.5]


def test_model_without_finite_golden_predictions_is_not_encoded() -> None:
    model = make_model((2, 3, 1), "identity")
    model = replace(model, theta=100.0 * model.theta)
    with pytest.raises(VersionRefused, match="predictions for its golden rows are not finite"):
        encode(3, model, {}, np.full((2, 2), 1.7e308) * [[1, -1], [-1, 1]])


def test_columns_and_encoding_round_trip() -> None:
    columns = (Column("x", has_gaps=True), Column("colour", "category", ("red", "blue")))
    inputs = [(0, SCALED, 1.0, 2.0), (0, MISSING, 0.0, 1.0), (1, EQUALS, 0.0, 1.0)]
    base = make_model((3, 4, 1))
    model = replace(
        base, columns=columns, encoding=Encoding.of(2, inputs), feature_range=np.zeros((2, 2))
    )
    golden = np.array([[1.0, 0.0], [np.nan, 1.0], [2.0, -1.0]])
    loaded = decode(encode(3, model, {}, golden)).model
    assert loaded.columns == columns
    assert loaded.predict(golden).tobytes() == model.predict(golden).tobytes()


def test_a_file_without_columns_has_features_that_are_numbers() -> None:
    assert decode(forged(card_with(columns=None))).model.columns == numbers(["x1", "x2"])
