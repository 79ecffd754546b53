"""The members that hold an ensemble.

| member | |
|---|---|
| `stack` | (models, targets) float64: the weight of each model, in the order below |
| `networks_0_s`, `networks_0_b1`, …, `networks_0_U`, … | the arrays of \
`network.ensemble.weights.Weights`, of each model of networks |
| `networks_0_ramp_input`, `networks_0_ramp_start`, `networks_0_ramp_width`, … | its \
piecewise-linear encoding |
| `networks_0_held_out`, … | (members, 2): partition and fold that each member has not seen |
| `process_is_matern`, `process_lengths`, `process_centres`, `process_weights`, `process_slopes`, \
`process_intercepts`, `process_held_out` | the Gaussian processes; optional |
| `linear_intercepts`, `linear_slopes`, `linear_held_out` | the linear models; optional |
| `error_stack`, `error_networks_0_s`, …, `error_linear_held_out` | the same of the networks that \
expect the size of errors; optional |
| `error_log_shift`, `error_log_scale`, `error_bounds` | the scaling of their outputs, and bounds |
"""

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Ensemble, ErrorScale, Scaling
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.parts import Linear, Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Weights
from registry.archive import Members
from registry.card import Card
from registry.errors import VersionRefused
from registry.model_file.members import (
    ENCODING,
    check_members,
    columns_of,
    common_members,
    encoding_of,
    familiarity_of,
)

FORMAT = "numnet/2"
MAX_NETWORKS = 4
WEIGHTS = tuple(each.name for each in fields(Weights))
RAMPS = ("ramp_input", "ramp_start", "ramp_width")
NETWORK_PARTS = (*WEIGHTS, *RAMPS, "held_out")
LINEAR_PARTS = ("linear_intercepts", "linear_slopes", "linear_held_out")
PROCESS = tuple(each.name for each in fields(GaussianProcess))
PROCESS_PARTS = tuple(f"process_{name}" for name in PROCESS)
ERROR = "error_"
ERROR_PARTS = (f"{ERROR}log_shift", f"{ERROR}log_scale", f"{ERROR}bounds")
MAX_MEMBERS = (
    2 * (1 + MAX_NETWORKS * len(NETWORK_PARTS) + len(LINEAR_PARTS))
    + len(PROCESS_PARTS)
    + len(ERROR_PARTS)
)


def ensemble_members(model: Ensemble) -> Members:
    """Return the members of an ensemble."""
    members = common_members(model, model.target_scaling, model.encoding, model.familiarity)
    members |= _stack_members(model)
    if (process := model.process) is not None:
        arrays = [np.array(getattr(process, name), np.float64) for name in PROCESS]
        members |= zip(PROCESS_PARTS, arrays, strict=True)
    if (scale := model.error_scale) is not None:
        members |= {f"{ERROR}{name}": array for name, array in _stack_members(scale).items()}
        logs = scale.log_scaling
        members |= zip(ERROR_PARTS, (logs.shift, logs.scale, scale.bounds), strict=True)
    return members


def ensemble_card(model: Ensemble) -> dict[str, Any]:
    """Return the members of the card that describe an ensemble."""
    return {"folds": model.folds, "partitions": model.partitions}


def check_ensemble(members: Members) -> None:
    """Refuse a file whose members are not those of an ensemble, or not finite."""
    required = [*ENCODING, *_required(members, "")]
    if members.keys() & {*PROCESS_PARTS}:
        required += PROCESS_PARTS
    if any(name.startswith(ERROR) for name in members):
        required += [*_required(members, ERROR), *ERROR_PARTS]
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
        **_stack_of(members, ""),
        target_scaling=Scaling(members["target_shift"], members["target_scale"]),
        feature_range=members["feature_range"],
        process=_process(members),
        error_scale=_error_scale(members),
        familiarity=familiarity_of(members),
    )
    if (found := {name: card.get(name) for name in ensemble_card(model)}) != ensemble_card(model):
        raise VersionRefused(f"the card has {found}; the members have {ensemble_card(model)}")
    return model


def _stack_members(model: Ensemble | ErrorScale) -> Members:
    members: Members = {"stack": model.stack}
    for index, networks in enumerate(model.networks):
        ramps = networks.ramps
        parts = (*networks.weights.arrays(), ramps.column, ramps.start, ramps.width)
        for name, part in zip(_names("", index), (*parts, networks.held_out), strict=True):
            members[name] = part.astype(np.float64)
    if (linear := model.linear) is not None:
        arrays = (linear.intercepts, linear.slopes, linear.held_out.astype(np.float64))
        members |= zip(LINEAR_PARTS, arrays, strict=True)
    return members


def _required(members: Members, prefix: str) -> list[str]:
    """Return the names of the members of a stack."""
    names = [f"{prefix}stack"]
    for index in range(_count(members, prefix)):
        names += _names(prefix, index)
    linear = [f"{prefix}{part}" for part in LINEAR_PARTS]
    return [*names, *linear] if members.keys() & {*linear} else names


def _names(prefix: str, index: int) -> list[str]:
    return [f"{prefix}networks_{index}_{part}" for part in NETWORK_PARTS]


def _count(members: Members, prefix: str) -> int:
    networks = f"{prefix}networks_"
    return sum(name.startswith(networks) and name.endswith("_held_out") for name in members)


def _stack_of(members: Members, prefix: str) -> dict[str, Any]:
    """Return the parts of a stack, by their attributes."""
    count = _count(members, prefix)
    return {
        "networks": tuple(_networks(members, prefix, index) for index in range(count)),
        "linear": _linear(members, prefix),
        "stack": members[f"{prefix}stack"],
    }


def _networks(members: Members, prefix: str, index: int) -> Networks:
    *weights, column, start, width, held_out = (members[name] for name in _names(prefix, index))
    ramps = Ramps(_whole(column, "ramp_input"), start, width)
    return Networks(Weights(*weights), ramps, _whole(held_out, "held_out"))


def _linear(members: Members, prefix: str) -> Linear | None:
    if f"{prefix}{LINEAR_PARTS[0]}" not in members:
        return None
    intercepts, slopes, held_out = (members[f"{prefix}{name}"] for name in LINEAR_PARTS)
    return Linear(intercepts, slopes, _whole(held_out, "held_out"))


def _process(members: Members) -> GaussianProcess | None:
    if PROCESS_PARTS[0] not in members:
        return None
    is_matern, lengths, centres, weights, slopes, intercepts, held_out = (
        members[name] for name in PROCESS_PARTS
    )
    if is_matern.shape or is_matern not in (0.0, 1.0):
        raise VersionRefused("process_is_matern must be 0 or 1")
    parts = (lengths, centres, weights, slopes, intercepts)
    return GaussianProcess(bool(is_matern), *parts, _whole(held_out, "held_out"))


def _error_scale(members: Members) -> ErrorScale | None:
    if f"{ERROR}stack" not in members:
        return None
    shift, scale, bounds = (members[name] for name in ERROR_PARTS)
    parts = _stack_of(members, ERROR)
    return ErrorScale(**parts, log_scaling=Scaling(shift, scale), bounds=bounds)


def _whole(array: Array, name: str) -> NDArray[np.intp]:
    if not ((array >= 0) & (array < 2**31) & (array == np.floor(array))).all():
        raise VersionRefused(f"{name} has numbers that are not whole, or below 0")
    return array.astype(np.intp)
