"""The members that hold an ensemble.

| member | |
|---|---|
| `stack` | (models, targets) float64: the weight of each model, the linear one last |
| `networks_0_s`, `networks_0_b1`, …, `networks_0_U`, … | the arrays of \
`network.ensemble.weights.Weights`, of each model of networks |
| `networks_0_ramp_input`, `networks_0_ramp_start`, `networks_0_ramp_width`, … | its \
piecewise-linear encoding |
| `networks_0_held_out`, … | (members, 2): partition and fold that each member has not seen |
| `linear_intercepts`, `linear_slopes`, `linear_held_out` | the linear models; optional |
"""

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Ensemble, Scaling
from network.ensemble.parts import Linear, Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Weights
from registry.archive import Members
from registry.errors import VersionRefused
from registry.model_file.members import (
    ENCODING,
    Card,
    check_members,
    columns_of,
    common_members,
    encoding_of,
)

FORMAT = "numnet/2"
MAX_NETWORKS = 4
WEIGHTS = tuple(each.name for each in fields(Weights))
RAMPS = ("ramp_input", "ramp_start", "ramp_width")
NETWORK_PARTS = (*WEIGHTS, *RAMPS, "held_out")
LINEAR_PARTS = ("linear_intercepts", "linear_slopes", "linear_held_out")
MAX_MEMBERS = 1 + MAX_NETWORKS * len(NETWORK_PARTS) + len(LINEAR_PARTS)


def ensemble_members(model: Ensemble) -> Members:
    """Return the members of an ensemble."""
    members = common_members(model, model.target_scaling, model.encoding)
    members["stack"] = model.stack
    for index, networks in enumerate(model.networks):
        ramps = networks.ramps
        parts = (*networks.weights.arrays(), ramps.column, ramps.start, ramps.width)
        for name, part in zip(_names(index), (*parts, networks.held_out), strict=True):
            members[name] = part.astype(np.float64)
    if (linear := model.linear) is not None:
        parts = (linear.intercepts, linear.slopes, linear.held_out.astype(np.float64))
        members |= zip(LINEAR_PARTS, parts, strict=True)
    return members


def ensemble_card(model: Ensemble) -> dict[str, Any]:
    """Return the members of the card that describe an ensemble."""
    return {"folds": model.folds, "partitions": model.partitions}


def check_ensemble(members: Members) -> None:
    """Refuse a file whose members are not those of an ensemble, or not finite."""
    required = ["stack", *ENCODING]
    for index in range(_count(members)):
        required += _names(index)
    if members.keys() & {*LINEAR_PARTS}:
        required += LINEAR_PARTS
    check_members(members, required)


def read_ensemble(members: Members, card: Card) -> Ensemble:
    """Return the ensemble of a file.

    Raises
    ------
    VersionRefused, NetworkError
    """
    encoding = encoding_of(members, len(card["features"]))
    if encoding is None:
        raise VersionRefused(f"the file has no {ENCODING[0]}")
    model = Ensemble(
        columns=columns_of(card),
        targets=tuple(card["targets"]),
        encoding=encoding,
        networks=tuple(_networks(members, index) for index in range(_count(members))),
        linear=_linear(members),
        stack=members["stack"],
        target_scaling=Scaling(members["target_shift"], members["target_scale"]),
        feature_range=members["feature_range"],
    )
    if (found := {name: card.get(name) for name in ensemble_card(model)}) != ensemble_card(model):
        raise VersionRefused(f"the card has {found}; the members have {ensemble_card(model)}")
    return model


def _names(index: int) -> list[str]:
    return [f"networks_{index}_{part}" for part in NETWORK_PARTS]


def _count(members: Members) -> int:
    return sum(name.startswith("networks_") and name.endswith("_held_out") for name in members)


def _networks(members: Members, index: int) -> Networks:
    *weights, column, start, width, held_out = (members[name] for name in _names(index))
    ramps = Ramps(_whole(column, "ramp_input"), start, width)
    return Networks(Weights(*weights), ramps, _whole(held_out, "held_out"))


def _linear(members: Members) -> Linear | None:
    if LINEAR_PARTS[0] not in members:
        return None
    intercepts, slopes, held_out = (members[name] for name in LINEAR_PARTS)
    return Linear(intercepts, slopes, _whole(held_out, "held_out"))


def _whole(array: Array, name: str) -> NDArray[np.intp]:
    if not ((array >= 0) & (array < 2**31) & (array == np.floor(array))).all():
        raise VersionRefused(f"{name} has numbers that are not whole, or below 0")
    return array.astype(np.intp)
