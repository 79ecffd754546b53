"""One version as one `.npz` file: plain arrays, no pickle, checked on the way in.

| member | |
|---|---|
| `format` | "numnet/1" |
| `weights_0`, `bias_0`, … | (inputs, outputs) and (outputs,) float64, one pair per layer |
| `feature_shift`, `feature_scale`, `target_shift`, `target_scale` | float64 |
| `feature_range` | (2, features) float64: least and greatest value seen in training |
| `residual_scores` | (n, targets): absolute residuals of test rows, ascending; may be missing |
| `golden_inputs`, `golden_outputs` | a few rows that a loader must reproduce |
| `card` | a JSON document as UTF-8 bytes |
| `checksum` | SHA-256 over all other members: names, types, shapes and bytes |

The reader is handed bytes that anybody may have written. It takes stored (not compressed) members
only and checks every declared size against the bytes that are there before it allocates.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from network import MAX_LAYERS, Architecture, Array, Calibration, Model, NetworkError, Scaling
from registry.errors import VersionRefused
from registry.npy_header import read_npy_header

FORMAT = "numnet/1"
MAX_MEMBER_BYTES = 128 * 1024 * 1024
GOLDEN_TOLERANCE = 1e-9  # of the target's scale: another machine's BLAS sums in another order
NAMED_MEMBERS = (
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
SCORES = "residual_scores"

_TYPE = re.compile(r"<f[248]|<u[248]|\|u1|<U[1-9]\d{0,2}")
MAX_MEMBERS = len(NAMED_MEMBERS) + 2 + 2 * MAX_LAYERS  # with the scores and the checksum

Card = dict[str, Any]
Members = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Version:
    """What a version's file holds, verified.

    Attributes
    ----------
    sha256 : of the file
    calibration : None if the file has no residual scores
    """

    number: int
    model: Model
    card: Card
    sha256: str
    calibration: Calibration | None = None


def encode(
    number: int,
    model: Model,
    card: Mapping[str, Any],
    golden_inputs: Array,
    calibration: Calibration | None = None,
) -> bytes:
    """The file of a version: a model and its card.

    Parameters
    ----------
    number : from 1
    card : any JSON document without NaN; the version's number, the names, layers and activation are
        filled in here
    golden_inputs : (a few, features) float64, unscaled

    Raises
    ------
    VersionRefused
        the model does not give finite predictions for the golden inputs.
    """
    described = {
        **card,
        "version": number,
        "features": list(model.features),
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
        "card": np.frombuffer(json.dumps(described, allow_nan=False).encode(), dtype=np.uint8),
    }
    for index, (W, b) in enumerate(model.architecture.layers(model.theta)):
        members[f"weights_{index}"], members[f"bias_{index}"] = W, b
    if calibration is not None:
        members[SCORES] = calibration.scores
    if not np.isfinite(members["golden_outputs"]).all():
        raise VersionRefused("the model's predictions for its golden rows are not finite")
    members["checksum"] = np.array(_checksum(members))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **members)
    return file.getvalue()


def decode(content: bytes) -> Version:
    """Read and verify a version's file.

    Raises
    ------
    VersionRefused
        anything about the file that is not as this module writes it; the message says what.
    """
    members = _read_members(content)
    for name in ("format", "checksum"):
        if name not in members or members[name].dtype.kind != "U" or members[name].shape != ():
            raise VersionRefused(f"the file has no {name}")
    if (found := str(members["format"])) != FORMAT:
        raise VersionRefused(f"the file has format {found[:40]!r}; expected {FORMAT!r}")
    if _checksum(members) != str(members.pop("checksum")):
        raise VersionRefused("the checksum differs: the file was changed after it was written")
    layers = _layers(members)
    for name in NAMED_MEMBERS:
        if name not in members:
            raise VersionRefused(f"the file has no {name}")
    card = _card(members["card"])
    try:
        model = _model(members, layers, card)
        _check_golden_rows(model, members)
        calibration = _calibration(model, members)
    except NetworkError as error:
        raise VersionRefused(str(error)) from error
    return Version(card["version"], model, card, hashlib.sha256(content).hexdigest(), calibration)


def _read_members(content: bytes) -> Members:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_MEMBERS:
                raise VersionRefused(
                    f"the file has {len(entries)} members; the limit is {MAX_MEMBERS}"
                )
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED:
                    name = entry.filename[:40]
                    raise VersionRefused(f"{name!r} is compressed; expected stored members")
            if (declared := sum(entry.file_size for entry in entries)) > len(content):
                raise VersionRefused(
                    f"the members declare {declared:,} bytes; the file has {len(content):,}"
                )
            members: Members = {}
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                if entry.file_size > MAX_MEMBER_BYTES:
                    raise VersionRefused(
                        f"{name[:40]!r} declares {entry.file_size:,} bytes; "
                        f"the limit is {MAX_MEMBER_BYTES:,}"
                    )
                if name in members:
                    raise VersionRefused(f"{name[:40]!r} stands in the file twice")
                members[name] = _array(name, archive.read(entry))
            return members
    except (
        zipfile.BadZipFile,
        EOFError,
        OverflowError,
        RuntimeError,
        ValueError,
    ) as error:
        raise VersionRefused(f"the file is damaged or cut short: {error}") from error


def _array(name: str, content: bytes) -> NDArray[Any]:
    """The array of one member, its header checked against the bytes that are there."""
    try:
        header = read_npy_header(content)
    except ValueError as error:
        raise VersionRefused(f"{name[:40]!r} is not a .npy file: {error}") from error
    shape, dtype = header.shape, header.dtype
    if not _TYPE.fullmatch(dtype.str):
        raise VersionRefused(
            f"{name[:40]!r} has type {dtype.str!r}; expected plain numbers or text"
        )
    if header.data_bytes != (size := len(content) - header.start):
        raise VersionRefused(
            f"{name[:40]!r} declares shape {shape} of {dtype}; its {size:,} bytes are not that"
        )
    return np.ndarray(shape, dtype, content, header.start, order=header.order)


def _checksum(members: Members) -> str:
    digest = hashlib.sha256()
    for name in sorted(members.keys() - {"checksum"}):
        array = members[name]
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _layers(members: Members) -> list[tuple[Array, Array]]:
    count = sum(name.startswith("weights_") for name in members)
    layers: list[tuple[Array, Array]] = []
    expected = {*NAMED_MEMBERS, SCORES}
    for index in range(count):
        weights, bias = f"weights_{index}", f"bias_{index}"
        if weights not in members or bias not in members:
            raise VersionRefused(f"layer {index} of {count} lacks its weights or its bias")
        W, b = members[weights], members[bias]
        if W.ndim != 2 or b.shape != W.shape[1:]:
            raise VersionRefused(
                f"layer {index} has weights {W.shape} and bias {b.shape}, which do not fit"
            )
        if layers and layers[-1][0].shape[1] != W.shape[0]:
            raise VersionRefused(
                f"layer {index} takes {W.shape[0]} inputs, "
                f"but layer {index - 1} gives {layers[-1][0].shape[1]} outputs"
            )
        layers.append((W, b))
        expected |= {weights, bias}
    if not layers:
        raise VersionRefused("the file has no layers")
    if extra := members.keys() - expected:
        raise VersionRefused(f"the file has a member that does not belong: {min(extra)[:40]!r}")
    for name, array in members.items():
        numeric = name not in ("format", "card")
        if numeric and array.dtype != np.float64:
            raise VersionRefused(f"{name} has type {array.dtype}; expected float64")
        if numeric and not np.isfinite(array).all():
            raise VersionRefused(f"{name} holds numbers that are not finite")
    return layers


def _card(content: NDArray[Any]) -> Card:
    try:
        card = orjson.loads(content.tobytes())
        orjson.dumps(card)  # what can be read but not shown: nested too deeply
    except (ValueError, TypeError) as error:
        raise VersionRefused(f"the card is not a JSON document: {error}") from error
    if not isinstance(card, dict):
        raise VersionRefused("the card is not a JSON object")
    for key in ("features", "targets"):
        names = card.get(key)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise VersionRefused(f"the card's {key} are not a list of names")
    if type(number := card.get("version")) is not int or number < 1:
        raise VersionRefused(f"the card's version is {str(number)[:40]}; expected a number from 1")
    return card


def _model(members: Members, layers: list[tuple[Array, Array]], card: Card) -> Model:
    sizes = (layers[0][0].shape[0], *(W.shape[1] for W, _ in layers))
    if card.get("layers") != list(sizes):
        raise VersionRefused(
            f"the card says layers {card.get('layers')}; the weights {list(sizes)}"
        )
    return Model(
        architecture=Architecture(sizes, str(card.get("activation"))),
        theta=np.concatenate([part.ravel() for layer in layers for part in layer]),
        feature_scaling=Scaling(members["feature_shift"], members["feature_scale"]),
        target_scaling=Scaling(members["target_shift"], members["target_scale"]),
        features=tuple(card["features"]),
        targets=tuple(card["targets"]),
        feature_range=members["feature_range"],
    )


def _check_golden_rows(model: Model, members: Members) -> None:
    expected = members["golden_outputs"]
    got = model.predict(members["golden_inputs"])
    if len(got) == 0:
        raise VersionRefused("the file has no golden rows")
    if got.shape != expected.shape:
        raise VersionRefused(f"golden outputs have shape {expected.shape}; expected {got.shape}")
    error = np.abs(got - expected) / (model.target_scaling.scale + np.abs(expected))
    if not error.max() <= GOLDEN_TOLERANCE:
        raise VersionRefused(
            f"the golden rows do not come out: they differ by {error.max():.1e} of the target's "
            f"scale, {GOLDEN_TOLERANCE:.0e} is allowed"
        )


def _calibration(model: Model, members: Members) -> Calibration | None:
    if SCORES not in members:
        return None
    calibration = Calibration(members[SCORES])
    if (got := calibration.scores.shape[1]) != (targets := len(model.targets)):
        raise VersionRefused(f"{SCORES} has {got} columns; expected {targets}")
    return calibration
