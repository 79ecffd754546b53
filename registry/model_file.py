"""The file of a version: one `.npz` archive of plain arrays, without pickle.

| member | |
|---|---|
| `format` | "numnet/1" |
| `weights_0`, `bias_0`, … | (inputs, outputs) and (outputs,) float64, one pair per layer |
| `feature_shift`, `feature_scale`, `target_shift`, `target_scale` | float64 |
| `input_column`, `input_operation`, `input_shift`, `input_scale`, `input_mean` | the encoding of \
the features; optional |
| `feature_range` | (2, features) float64: smallest and largest value seen in training |
| `residual_scores` | (n, targets): absolute residuals of test rows, ascending; optional |
| `golden_inputs`, `golden_outputs` | a few rows whose predictions a loader must reproduce |
| `card` | a JSON document as UTF-8 bytes |
| `checksum` | SHA-256 over all other members: names, types, shapes and bytes |

`registry.verification` reads it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from network import MAX_LAYERS, Array, Calibration, Model
from registry.archive import Members, write_archive
from registry.errors import VersionRefused

FORMAT = "numnet/1"
REQUIRED_MEMBERS = (
    "format",
    "feature_shift",
    "feature_scale",
    "target_shift",
    "target_scale",
    "feature_range",
    "golden_inputs",
    "golden_outputs",
    "card",
)
ENCODING = ("input_column", "input_operation", "input_shift", "input_scale", "input_mean")
SCORES = "residual_scores"
MAX_MEMBERS = len(REQUIRED_MEMBERS) + len(ENCODING) + 2 + 2 * MAX_LAYERS  # with the checksum


def encode(
    number: int,
    model: Model,
    card: Mapping[str, Any],
    golden_inputs: Array,
    calibration: Calibration | None = None,
) -> bytes:
    """Return the file of a version.

    Parameters
    ----------
    number : of the version, from 1
    card : any JSON document without NaN; the number, the columns, the targets, the layers and the
        activation are added to it
    golden_inputs : (a few, features) float64, unscaled

    Raises
    ------
    VersionRefused
        the model's predictions for the golden inputs are not finite.
    """
    card = {
        **card,
        "version": number,
        "features": list(model.features),
        "columns": [column.as_json() for column in model.columns],
        "targets": list(model.targets),
        "layers": list(model.architecture.sizes),
        "activation": model.architecture.activation,
    }
    members: Members = {
        "format": np.array(FORMAT),
        "feature_shift": model.feature_scaling.shift,
        "feature_scale": model.feature_scaling.scale,
        "target_shift": model.target_scaling.shift,
        "target_scale": model.target_scaling.scale,
        "feature_range": model.feature_range,
        "golden_inputs": golden_inputs,
        "golden_outputs": model.predict(golden_inputs),
        "card": np.frombuffer(json.dumps(card, allow_nan=False).encode(), dtype=np.uint8),
    }
    if not np.isfinite(members["golden_outputs"]).all():
        raise VersionRefused("the model's predictions for its golden rows are not finite")
    for index, (W, b) in enumerate(model.architecture.layers(model.theta)):
        members[f"weights_{index}"], members[f"bias_{index}"] = W, b
    if (encoding := model.encoding) is not None:
        parts = (encoding.column, encoding.operation, encoding.shift, encoding.scale, encoding.mean)
        members |= zip(ENCODING, parts, strict=True)
    if calibration is not None:
        members[SCORES] = calibration.scores
    members["checksum"] = np.array(checksum(members))
    return write_archive(members)


def checksum(members: Members) -> str:
    """Return the SHA-256 of all members except the checksum itself, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(members.keys() - {"checksum"}):
        array = members[name]
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
