"""The members of every version's file, and the checks that all of them have in common."""

import hashlib
from collections.abc import Iterable

import numpy as np

from network import Column, Encoding, Familiarity, Predictor, Scaling, numbers
from registry.archive import Members
from registry.card import Card
from registry.errors import VersionRefused
from registry.model_file.held_out import HELD_OUT, INPUTS

REQUIRED = (
    "format",
    "target_shift",
    "target_scale",
    "feature_range",
    "golden_inputs",
    "golden_outputs",
    "card",
)
ENCODING = ("input_column", "input_operation", "input_shift", "input_scale", "input_mean")
FAMILIARITY = ("familiar_projection", "familiar_centres", "familiar_squared_radii")
SCORES, SIGNED_SCORES = "residual_scores", "signed_scores"
COMMON = (*REQUIRED, *ENCODING, *FAMILIARITY, *HELD_OUT, SCORES, SIGNED_SCORES)
WITH_GAPS = ("golden_inputs", INPUTS)  # members that may have missing cells


def common_members(
    model: Predictor,
    scaling: Scaling,
    encoding: Encoding | None,
    familiarity: Familiarity | None,
) -> Members:
    """Return what every model has besides its weights."""
    members: Members = {
        "target_shift": scaling.shift,
        "target_scale": scaling.scale,
        "feature_range": model.feature_range,
    }
    if encoding is not None:
        parts = (encoding.column, encoding.operation, encoding.shift, encoding.scale, encoding.mean)
        members |= zip(ENCODING, parts, strict=True)
    if (known := familiarity) is not None:
        arrays = (known.projection, known.centres, known.squared_radii)
        members |= zip(FAMILIARITY, arrays, strict=True)
    return members


def check_members(members: Members, required: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Refuse members that are unknown, missing, not float64 or not finite.

    Members in `WITH_GAPS` may have missing cells. They are checked later.
    """
    required = [*REQUIRED, *required]
    for group in (ENCODING, FAMILIARITY, HELD_OUT):
        if members.keys() & {*group}:
            required += [name for name in group if name not in required]
    if unknown := members.keys() - {*required, *optional, SCORES, SIGNED_SCORES}:
        raise VersionRefused(f"the file has an unknown member: {min(unknown)[:40]!r}")
    for name in required:
        if name not in members:
            raise VersionRefused(f"the file has no {name}")
    for name in sorted(members.keys() - {"format", "card"}):
        if members[name].dtype != np.float64:
            raise VersionRefused(f"{name} has type {members[name].dtype}; expected float64")
        if name not in WITH_GAPS and not np.isfinite(members[name]).all():
            raise VersionRefused(f"{name} has numbers that are not finite")


def columns_of(card: Card) -> tuple[Column, ...]:
    """Return the features; plain numbers if the card only names them.

    Raises
    ------
    VersionRefused, InputError
    """
    described = card.get("columns")
    if described is None:
        return numbers(card["features"])
    if not isinstance(described, list):
        raise VersionRefused("the card's columns are not a list")
    columns = tuple(map(Column.from_json, described))
    if [column.name for column in columns] != card["features"]:
        raise VersionRefused("the card's columns have other names than its features")
    return columns


def encoding_of(members: Members, columns: int) -> Encoding | None:
    """Return the encoding of the features, or None if the file has none."""
    if ENCODING[0] not in members:
        return None
    return Encoding(columns, *(members[name] for name in ENCODING))


def familiarity_of(members: Members) -> Familiarity | None:
    """Return which rows are familiar, or None if the file has nothing about it."""
    if FAMILIARITY[0] not in members:
        return None
    return Familiarity(*(members[name] for name in FAMILIARITY))


def checksum(members: Members) -> str:
    """Return the SHA-256 of all members except the checksum itself, in hexadecimal digits."""
    digest = hashlib.sha256()
    for name in sorted(members.keys() - {"checksum"}):
        array = members[name]
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
