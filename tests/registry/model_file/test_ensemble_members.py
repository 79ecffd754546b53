"""Files of ensembles."""

from typing import Any

import numpy as np
import pytest

from network import Array, Calibration, Ensemble
from registry import VersionRefused
from registry.model_file import decode, encode
from registry.model_file.ensemble_members import ensemble_members
from tests.random_ensembles import FEATURES, make_ensemble, make_error_scale, make_familiarity
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
        make_ensemble(linear=None, stack=np.array([[0.5], [0.3], [0.2]])),
        make_ensemble(process=None, stack=np.array([[0.5], [0.3], [0.2]])),
        make_ensemble(networks=(), process=None, stack=np.ones((1, 1))),
        make_ensemble(networks=(), linear=None, stack=np.ones((1, 1))),
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
    "no centres": (drop("process_centres"), "the file has no process_centres"),
    "another covariance": (put("process_is_matern", 2.0), "process_is_matern must be 0 or 1"),
    "a length of 0": (set_item("process_lengths", 0.0), "lengths of a Gaussian process must be"),
    "a further member": (put("virus", [0.0]), "an unknown member: 'virus'"),
    "a weight that is NaN": (set_item("networks_0_W2", np.nan), "networks_0_W2 has numbers that"),
    "single precision": (cast("networks_0_W2", np.float32), "networks_0_W2 has type float32"),
    "a stack of other models": (put("stack", np.ones((2, 1))), r"stack has shape \(2, 1\)"),
    "a negative stack": (set_item("stack", -0.1), "stack must be finite and not negative"),
    "a fold that is not whole": (
        set_item("networks_0_held_out", 0.5),
        "held_out has numbers that are not whole",
    ),
    "a fold without a member": (
        set_item("networks_0_held_out", 1.0),
        "every model needs one member for each fold of each partition",
    ),
    "a huge number of folds": (
        set_item("networks_0_held_out", 2.0**30),
        "up to 255 folds and partitions",
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


# What an ensemble knows of its predictions

ASSESSING = make_ensemble(
    targets=2, error_scale=make_error_scale(2), familiarity=make_familiarity()
)
ASSESSING_FILE = encode(3, ASSESSING, {}, golden_rows())


@pytest.mark.parametrize(
    "parts",
    [
        {"error_scale": make_error_scale(2), "familiarity": make_familiarity()},
        {"error_scale": make_error_scale(2, linear=None, stack=np.ones((1, 2)))},
        {"error_scale": make_error_scale(2, networks=(), stack=np.ones((1, 2)))},
        {"familiarity": make_familiarity()},
    ],
    ids=str,
)
def test_assessments_round_trip_with_the_same_bits(parts: dict[str, Any]) -> None:
    model = make_ensemble(targets=2, **parts)
    loaded = decode(encode(3, model, {}, golden_rows())).model
    X = np.random.default_rng(2).normal(size=(50, FEATURES))
    expected, got = model.assess(X, scale=True), loaded.assess(X, scale=True)
    for name in ("scale", "unfamiliar"):
        before, after = getattr(expected, name), getattr(got, name)
        assert (before is None) == (after is None)
        assert before is None or before.tobytes() == after.tobytes()


def test_scores_round_trip_with_their_signs() -> None:
    residuals = np.random.default_rng(1).normal(size=(30, 2))
    for signed in (False, True):
        calibration = Calibration.of(np.zeros_like(residuals), residuals, signed=signed)
        loaded = decode(encode(3, ASSESSING, {}, golden_rows(), calibration)).calibration
        assert loaded is not None
        assert loaded.signed is signed
        assert loaded.scores.tobytes() == calibration.scores.tobytes()


CERTAINTY_FORGERIES: dict[str, tuple[Change, str]] = {
    "no bounds": (drop("error_bounds"), "the file has no error_bounds"),
    "no stack of the scale": (drop("error_stack"), "the file has no error_stack"),
    "no weights of the scale": (drop("error_networks_0_W2"), "the file has no error_networks_0_W2"),
    "bounds upside down": (put("error_bounds", [[1.0] * 2, [0.0] * 2]), "bounds must ascend"),
    "a scale of zero": (set_item("error_log_scale", 0.0), "every scale must be above 0"),
    "a part of the scale": (put("error_virus", [0.0]), "an unknown member: 'error_virus'"),
    "no centres": (drop("familiar_centres"), "the file has no familiar_centres"),
    "a negative radius": (
        set_item("familiar_squared_radii", -1.0),
        "squared radii not below 0",
    ),
    "other inputs": (put("familiar_projection", np.ones((3, 4))), "familiarity has shape"),
    "balls of another space": (put("familiar_projection", np.ones((4, 3))), "have the shapes"),
    "two kinds of scores": (
        lambda members: members.update(
            residual_scores=np.ones((3, 2)), signed_scores=np.ones((3, 2))
        ),
        "the file has residual_scores and signed_scores",
    ),
    "negative residual scores": (put("residual_scores", -np.ones((3, 2))), "0 or more"),
    "scores of one target": (put("signed_scores", np.ones((3, 1))), "signed_scores has 1 columns"),
    "scores that descend": (
        put("signed_scores", [[2.0, 1.0], [1.0, 2.0]]),
        "scores must ascend",
    ),
}


@pytest.mark.parametrize("name", CERTAINTY_FORGERIES)
def test_wrong_parts_of_an_assessment_are_refused(name: str) -> None:
    change, message = CERTAINTY_FORGERIES[name]
    with pytest.raises(VersionRefused, match=message):
        decode(forged(change, ASSESSING_FILE))


def test_every_member_of_an_assessment_is_needed() -> None:
    for name in ensemble_members(ASSESSING):
        with pytest.raises(VersionRefused):
            decode(forged(drop(name), ASSESSING_FILE))
