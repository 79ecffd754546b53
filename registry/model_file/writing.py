"""The making of a version's file."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from network import Array, Calibration, Ensemble, Model, Predictor
from registry.archive import Members, write_archive
from registry.errors import VersionRefused
from registry.model_file import ensemble_members, network_members
from registry.model_file.held_out import HeldOut
from registry.model_file.members import SCORES, SIGNED_SCORES, checksum


def encode(
    number: int,
    model: Predictor,
    card: Mapping[str, Any],
    golden_inputs: Array,
    calibration: Calibration | None = None,
    *,
    held_out: HeldOut | None = None,
) -> bytes:
    """Return the file of a version.

    Parameters
    ----------
    number : of the version, from 1
    card : any JSON document without NaN; the number, the columns, the targets and the sizes of the
        model are added to it
    golden_inputs : (a few, features) float64, unscaled

    Raises
    ------
    VersionRefused
        the model's predictions for the golden inputs are not finite.
    """
    form, parts, sizes = _parts(model)
    card = {
        **card,
        "version": number,
        "features": list(model.features),
        "columns": [column.as_json() for column in model.columns],
        "targets": list(model.targets),
        **sizes,
    }
    members: Members = {
        "format": np.array(form),
        **parts,
        "golden_inputs": golden_inputs,
        "golden_outputs": model.predict(golden_inputs),
        "card": np.frombuffer(json.dumps(card, allow_nan=False).encode(), dtype=np.uint8),
    }
    if not np.isfinite(members["golden_outputs"]).all():
        raise VersionRefused("the model's predictions for its golden rows are not finite")
    if calibration is not None:
        members[SIGNED_SCORES if calibration.signed else SCORES] = calibration.scores
    if held_out is not None:
        members |= held_out.members()
    members["checksum"] = np.array(checksum(members))
    return write_archive(members)


def _parts(model: Predictor) -> tuple[str, Members, dict[str, Any]]:
    """Return the format, the members and the description of a model."""
    if isinstance(model, Ensemble):
        return (
            ensemble_members.FORMAT,
            ensemble_members.ensemble_members(model),
            ensemble_members.ensemble_card(model),
        )
    if not isinstance(model, Model):
        raise TypeError(f"a {type(model).__name__} has no file format")
    return (
        network_members.FORMAT,
        network_members.network_members(model),
        network_members.network_card(model),
    )
