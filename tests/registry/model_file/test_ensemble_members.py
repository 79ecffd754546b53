"""Files of ensembles."""

import numpy as np
import pytest

from network import Array, Ensemble
from registry import VersionRefused
from registry.model_file import decode, encode
from registry.model_file.ensemble_members import ensemble_members
from tests.random_ensembles import FEATURES, make_ensemble
from tests.registry.samples import Change, card_with, cast, drop, forged, put, set_item

ENSEMBLE = make_ensemble()


def golden_rows() -> Array:
    return np.random.default_rng(1).uniform(-2, 2, (3, FEATURES))


FILE = encode(3, ENSEMBLE, {}, golden_rows())


@pytest.mark.parametrize(
    "model",
    [
        ENSEMBLE,
        make_ensemble(targets=2),
        make_ensemble(linear=None, stack=np.array([[0.5], [0.5]])),
        make_ensemble(networks=(), stack=np.ones((1, 1))),
    ],
)
def test_an_ensemble_round_trips_with_the_same_bits(model: Ensemble) -> None:
    version = decode(encode(3, model, {"seed": 4}, golden_rows()))
    loaded = version.model
    assert isinstance(loaded, Ensemble)
    assert (loaded.columns, loaded.targets) == (model.columns, model.targets)
    assert (loaded.folds, loaded.partitions) == (model.folds, model.partitions)
    assert version.card["folds"] == model.folds
    X = np.random.default_rng(2).normal(size=(50, FEATURES))
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()
    folds = np.random.default_rng(3).integers(0, model.folds, (model.partitions, len(X)))
    expected = model.predict_out_of_fold(X, folds)
    assert loaded.predict_out_of_fold(X, folds).tobytes() == expected.tobytes()


FORGERIES: dict[str, tuple[Change, str]] = {
    "no stack": (drop("stack"), "the file has no stack"),
    "no encoding": (drop("input_column"), "the file has no input_column"),
    "no weights of a layer": (drop("networks_0_W2"), "the file has no networks_0_W2"),
    "no ramps": (drop("networks_1_ramp_start"), "the file has no networks_1_ramp_start"),
    "no slopes": (drop("linear_slopes"), "the file has no linear_slopes"),
    "a further member": (put("virus", [0.0]), "an unknown member: 'virus'"),
    "a weight that is NaN": (set_item("networks_0_W2", np.nan), "networks_0_W2 has numbers that"),
    "single precision": (cast("networks_0_W2", np.float32), "networks_0_W2 has type float32"),
    "a stack of other models": (put("stack", np.ones((2, 1))), r"stack has shape \(2, 1\)"),
    "a negative stack": (set_item("stack", -0.1), "stack must be finite and not negative"),
    "a fold that is not whole": (
        set_item("networks_0_held_out", 0.5),
        "held_out has numbers that are not whole",
    ),
    "a ramp of an input that is missing": (
        set_item("networks_1_ramp_input", 99.0),
        "ramps must be of the 4 inputs",
    ),
    "weights of another shape": (
        put("networks_0_W2", np.ones((2, 3, 3))),
        "weights have shape",
    ),
    "other weights": (
        set_item("networks_0_W3", 9.0),
        "self-test failed: predictions for the golden rows",
    ),
    "other folds": (
        card_with(folds=9),
        "the card has {'folds': 9, 'partitions': 2}; the members have {'folds': 3",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_file_that_is_not_as_written_is_refused(name: str) -> None:
    change, message = FORGERIES[name]
    with pytest.raises(VersionRefused, match=message):
        decode(forged(change, FILE))


def test_every_member_is_needed() -> None:
    for name in ensemble_members(ENSEMBLE):
        with pytest.raises(VersionRefused):
            decode(forged(drop(name), FILE))
