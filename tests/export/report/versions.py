"""Versions for reports: trained ones, old ones, and odd ones."""

from dataclasses import replace
from typing import Any

import numpy as np

from network import Array, Calibration, Predictor, Rows
from registry import HeldOut, Version
from registry.model_file import decode, encode
from trainer.data.table import Table
from trainer.training.recipe import Recipe
from trainer.training.training import train

SHORT = Recipe(layers=(4,), solver="l-bfgs", epochs=20, starts=1)


def trained(table: Table, recipe: Recipe = SHORT) -> Version:
    """Return a version trained on a table."""
    done = train(table, recipe)
    parts = (done.model, done.card, done.golden_inputs, done.calibration)
    return decode(encode(3, *parts, held_out=done.held_out))


def of_earlier_release(version: Version) -> Version:
    """Return a version as releases without held-out rows wrote it."""
    metrics = {name: dict(of) for name, of in version.card["metrics"].items()}
    del metrics["test"]["baselines"], metrics["calibration"]["coverage_by_level"]
    assert version.golden_inputs is not None
    card = version.card | {"metrics": metrics}
    return decode(encode(3, version.model, card, version.golden_inputs, version.calibration))


def untrained(
    model: Predictor,
    card: dict[str, Any] | None = None,
    *,
    Y: Array | None = None,
    calibration: Calibration | None = None,
) -> Version:
    """Return a version of a model that was not trained, with held-out rows if there is a Y."""
    X = np.zeros((1 if Y is None else len(Y), len(model.features)))
    held_out = None
    if Y is not None:
        held_out = HeldOut.of(Rows(X, Y), np.arange(len(Y)), model.predict(X))
    return decode(encode(3, model, card or {}, X[:1], calibration, held_out=held_out))


def with_card(version: Version, **changes: Any) -> Version:
    return replace(version, card=version.card | changes)
