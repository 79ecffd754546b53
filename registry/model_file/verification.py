"""Verification of a version's file, from its bytes to a model that reproduces its golden rows."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from network import Array, Calibration, NetworkError, Predictor
from registry.archive import Members, read_archive
from registry.card import Card, pack
from registry.errors import VersionRefused
from registry.model_file import ensemble_members, network_members
from registry.model_file.held_out import HELD_OUT, INPUTS, HeldOut, held_out_of
from registry.model_file.members import COMMON, SCORES, SIGNED_SCORES, checksum

FORMATS = (network_members.FORMAT, ensemble_members.FORMAT)
MAX_MEMBERS = len((*COMMON, "checksum")) + max(
    network_members.MAX_MEMBERS, ensemble_members.MAX_MEMBERS
)
GOLDEN_TOLERANCE = 1e-9  # of the target's scale; BLAS adds in another order on another machine


@dataclass(frozen=True)
class Version:
    """The content of a version's file, verified.

    Attributes
    ----------
    sha256 : of the file
    array_bytes : size of all arrays in the file besides the card and the held-out rows
    calibration : None if the file has no scores
    held_out : None if the file has none
    golden_inputs : (a few, features) float64, rows of the table
    """

    number: int
    model: Predictor
    card: Card
    sha256: str
    array_bytes: int
    calibration: Calibration | None = None
    held_out: HeldOut | None = None
    golden_inputs: Array | None = None

    @cached_property
    def packed_card(self) -> bytes:
        """The card as `registry.card.pack` returns it."""
        return pack(self.card)


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
    try:
        card, model = _card_and_model(members)
        _check_golden_rows(model, members)
        calibration = _calibration(model, members)
        held_out = _held_out(model, members)
    except NetworkError as error:
        raise VersionRefused(str(error)) from error
    sha256 = hashlib.sha256(content).hexdigest()
    others = ("card", *HELD_OUT)
    array_bytes = sum(member.nbytes for name, member in members.items() if name not in others)
    return Version(
        number=card["version"],
        model=model,
        card=card,
        sha256=sha256,
        array_bytes=array_bytes,
        calibration=calibration,
        held_out=held_out,
        golden_inputs=members["golden_inputs"],
    )


def weights_digest(content: bytes) -> str:
    """Return a checksum of what a file predicts by, whatever its number and its training.

    Raises
    ------
    VersionRefused
    """
    members = read_archive(content, MAX_MEMBERS)
    _check_format(members)
    if "card" not in members:
        raise VersionRefused("the file has no card")
    card = _card(members.pop("card"))
    names = {key: card.get(key) for key in ("features", "columns", "targets")}
    for name in ("golden_inputs", "golden_outputs", *HELD_OUT):
        members.pop(name, None)
    digest = hashlib.sha256(orjson.dumps(names))
    digest.update(checksum(members).encode())
    return digest.hexdigest()


def _check_format(members: Members) -> None:
    for name in ("format", "checksum"):
        if name not in members or members[name].dtype.kind != "U" or members[name].shape != ():
            raise VersionRefused(f"the file has no {name}")
    if (found := str(members["format"])) not in FORMATS:
        expected = " or ".join(map(repr, FORMATS))
        raise VersionRefused(f"the file has format {found[:40]!r}; expected {expected}")


def _card_and_model(members: Members) -> tuple[Card, Predictor]:
    if str(members["format"]) == ensemble_members.FORMAT:
        ensemble_members.check_ensemble(members)
        card = _card(members["card"])
        return card, ensemble_members.read_ensemble(members, card)
    network_members.check_network(members)
    card = _card(members["card"])
    return card, network_members.read_network(members, card)


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
        if "" in names:
            raise VersionRefused(f"the card's {key} have an empty name")
    if type(number := card.get("version")) is not int or number < 1:
        raise VersionRefused(f"the card's version is {str(number)[:40]}; expected a number from 1")
    return card


def _check_golden_rows(model: Predictor, members: Members) -> None:
    """Predict the golden rows again and compare with what the trainer's machine predicted."""
    expected, inputs = members["golden_outputs"], members["golden_inputs"]
    predicted = model.predict(inputs)
    _check_cells(model, inputs, "golden_inputs")
    if len(predicted) == 0:
        raise VersionRefused("the file has no golden rows")
    if predicted.shape != expected.shape:
        raise VersionRefused(
            f"golden outputs have shape {expected.shape}; expected {predicted.shape}"
        )
    error = np.abs(predicted - expected) / (model.target_scale + np.abs(expected))
    if not error.max() <= GOLDEN_TOLERANCE:
        raise VersionRefused(
            f"self-test failed: predictions for the golden rows differ by {error.max():.1e} of the "
            f"target's scale; {GOLDEN_TOLERANCE:.0e} is allowed"
        )


def _check_cells(model: Predictor, X: Array, name: str) -> None:
    """Refuse rows X (N, features) with a cell that is not finite, or missing in a full column."""
    gaps = np.isnan(X) & [column.has_gaps for column in model.columns]
    if not (np.isfinite(X) | gaps).all():
        raise VersionRefused(f"{name} has numbers that are not finite")


def _held_out(model: Predictor, members: Members) -> HeldOut | None:
    found = held_out_of(members, len(model.columns), len(model.targets))
    if found is not None:
        _check_cells(model, found.inputs, INPUTS)
    return found


def _calibration(model: Predictor, members: Members) -> Calibration | None:
    names = [name for name in (SCORES, SIGNED_SCORES) if name in members]
    if not names:
        return None
    if len(names) > 1:
        raise VersionRefused(f"the file has {SCORES} and {SIGNED_SCORES}; expected one of them")
    calibration = Calibration(members[names[0]], signed=names == [SIGNED_SCORES])
    if (columns := calibration.scores.shape[1]) != (targets := len(model.targets)):
        raise VersionRefused(f"{names[0]} has {columns} columns; expected {targets}")
    return calibration
