"""Verification of a version's file, from its bytes to a model that reproduces its golden rows."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from network import (
    Architecture,
    Array,
    Calibration,
    Column,
    Encoding,
    Model,
    NetworkError,
    Scaling,
    numbers,
)
from registry.archive import Members, read_archive
from registry.errors import VersionRefused
from registry.model_file import ENCODING, FORMAT, MAX_MEMBERS, REQUIRED_MEMBERS, SCORES, checksum

GOLDEN_TOLERANCE = 1e-9  # of the target's scale; BLAS adds in another order on another machine

Card = dict[str, Any]
Layers = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Version:
    """The content of a version's file, verified.

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


def decode(content: bytes) -> Version:
    """Read and verify a version's file, which may have any origin.

    Raises
    ------
    VersionRefused
        the file is not as `registry.model_file.encode` writes it; the message says in what.
    """
    members = read_archive(content, MAX_MEMBERS)
    _check_format(members)
    if checksum(members) != str(members.pop("checksum")):
        raise VersionRefused("the checksum differs: the file was changed after it was written")
    layers = _layers(members)
    _check_members(members, len(layers))
    card = _card(members["card"])
    try:
        model = _model(members, layers, card)
        _check_golden_rows(model, members)
        calibration = _calibration(model, members)
    except NetworkError as error:
        raise VersionRefused(str(error)) from error
    return Version(card["version"], model, card, hashlib.sha256(content).hexdigest(), calibration)


def _check_format(members: Members) -> None:
    for name in ("format", "checksum"):
        if name not in members or members[name].dtype.kind != "U" or members[name].shape != ():
            raise VersionRefused(f"the file has no {name}")
    if (found := str(members["format"])) != FORMAT:
        raise VersionRefused(f"the file has format {found[:40]!r}; expected {FORMAT!r}")


def _layers(members: Members) -> Layers:
    """Return the weights and the bias of each layer, whose shapes fit each other."""
    count = sum(name.startswith("weights_") for name in members)
    layers: Layers = []
    for index in range(count):
        W, b = members.get(f"weights_{index}"), members.get(f"bias_{index}")
        if W is None or b is None:
            raise VersionRefused(f"layer {index} of {count} has no weights or no bias")
        if W.ndim != 2 or b.shape != W.shape[1:]:
            raise VersionRefused(
                f"layer {index} has weights {W.shape} and bias {b.shape}; "
                f"expected (inputs, outputs) and (outputs,)"
            )
        if layers and layers[-1][0].shape[1] != W.shape[0]:
            raise VersionRefused(
                f"layer {index} has {W.shape[0]} inputs, "
                f"but layer {index - 1} has {layers[-1][0].shape[1]} outputs"
            )
        layers.append((W, b))
    if not layers:
        raise VersionRefused("the file has no layers")
    return layers


def _check_members(members: Members, layers: int) -> None:
    """Refuse members that are unknown, missing, not float64 or not finite."""
    known = {*REQUIRED_MEMBERS, *ENCODING, SCORES}
    known |= {f"{part}_{index}" for part in ("weights", "bias") for index in range(layers)}
    if unknown := members.keys() - known:
        raise VersionRefused(f"the file has an unknown member: {min(unknown)[:40]!r}")
    for name in (*REQUIRED_MEMBERS, *(ENCODING if members.keys() & {*ENCODING} else ())):
        if name not in members:
            raise VersionRefused(f"the file has no {name}")
    for name in sorted(members.keys() - {"format", "card"}):
        if members[name].dtype != np.float64:
            raise VersionRefused(f"{name} has type {members[name].dtype}; expected float64")
        if name != "golden_inputs" and not np.isfinite(members[name]).all():
            raise VersionRefused(f"{name} has numbers that are not finite")


def _card(content: NDArray[Any]) -> Card:
    try:
        card = orjson.loads(content.tobytes())
        orjson.dumps(card)  # refuses deeper nesting than loads(), and a card has to be shown
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


def _model(members: Members, layers: Layers, card: Card) -> Model:
    sizes = (layers[0][0].shape[0], *(W.shape[1] for W, _ in layers))
    if card.get("layers") != list(sizes):
        raise VersionRefused(
            f"the card has layers {card.get('layers')}; the weights have {list(sizes)}"
        )
    return Model(
        architecture=Architecture(sizes, str(card.get("activation"))),
        theta=np.concatenate([part.ravel() for layer in layers for part in layer]),
        feature_scaling=Scaling(members["feature_shift"], members["feature_scale"]),
        target_scaling=Scaling(members["target_shift"], members["target_scale"]),
        columns=_columns(card),
        targets=tuple(card["targets"]),
        feature_range=members["feature_range"],
        encoding=_encoding(members, len(card["features"])),
    )


def _columns(card: Card) -> tuple[Column, ...]:
    """Return the features; plain numbers if the card only names them."""
    described = card.get("columns")
    if described is None:
        return numbers(card["features"])
    if not isinstance(described, list):
        raise VersionRefused("the card's columns are not a list")
    columns = tuple(map(Column.from_json, described))
    if [column.name for column in columns] != card["features"]:
        raise VersionRefused("the card's columns have other names than its features")
    return columns


def _encoding(members: Members, columns: int) -> Encoding | None:
    if ENCODING[0] not in members:
        return None
    return Encoding(columns, *(members[name] for name in ENCODING))


def _check_golden_rows(model: Model, members: Members) -> None:
    """Predict the golden rows again and compare with what the trainer's machine predicted."""
    expected, inputs = members["golden_outputs"], members["golden_inputs"]
    predicted = model.predict(inputs)
    gaps = np.isnan(inputs) & [column.has_gaps for column in model.columns]
    if not (np.isfinite(inputs) | gaps).all():
        raise VersionRefused("golden_inputs has numbers that are not finite")
    if len(predicted) == 0:
        raise VersionRefused("the file has no golden rows")
    if predicted.shape != expected.shape:
        raise VersionRefused(
            f"golden outputs have shape {expected.shape}; expected {predicted.shape}"
        )
    error = np.abs(predicted - expected) / (model.target_scaling.scale + np.abs(expected))
    if not error.max() <= GOLDEN_TOLERANCE:
        raise VersionRefused(
            f"self-test failed: predictions for the golden rows differ by {error.max():.1e} of the "
            f"target's scale; {GOLDEN_TOLERANCE:.0e} is allowed"
        )


def _calibration(model: Model, members: Members) -> Calibration | None:
    if SCORES not in members:
        return None
    calibration = Calibration(members[SCORES])
    if (columns := calibration.scores.shape[1]) != (targets := len(model.targets)):
        raise VersionRefused(f"{SCORES} has {columns} columns; expected {targets}")
    return calibration
