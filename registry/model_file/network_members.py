"""The members that hold one network.

| member | |
|---|---|
| `weights_0`, `bias_0`, … | (inputs, outputs) and (outputs,) float64, one pair per layer |
| `feature_shift`, `feature_scale` | float64, of the inputs |

The card has the sizes of the layers and the activation.
"""

from typing import Any

import numpy as np

from network import MAX_LAYERS, Architecture, Array, Model, Scaling
from registry.archive import Members
from registry.card import Card
from registry.errors import VersionRefused
from registry.model_file.members import (
    check_members,
    columns_of,
    common_members,
    encoding_of,
    familiarity_of,
)

FORMAT = "numnet/1"
MAX_MEMBERS = 2 * MAX_LAYERS
SCALING = ("feature_shift", "feature_scale")

_Layers = list[tuple[Array, Array]]


def network_members(model: Model) -> Members:
    """Return the members of a network."""
    members = common_members(model, model.target_scaling, model.encoding, model.familiarity)
    scaling = model.feature_scaling
    members |= zip(SCALING, (scaling.shift, scaling.scale), strict=True)
    for index, (W, b) in enumerate(model.architecture.layers(model.theta)):
        members[f"weights_{index}"], members[f"bias_{index}"] = W, b
    return members


def network_card(model: Model) -> dict[str, Any]:
    """Return the members of the card that describe a network."""
    architecture = model.architecture
    return {"layers": list(architecture.sizes), "activation": architecture.activation}


def read_network(members: Members, card: Card) -> Model:
    """Return the network of a file.

    Raises
    ------
    VersionRefused, NetworkError
    """
    layers = _layers(members)
    sizes = (layers[0][0].shape[0], *(W.shape[1] for W, _ in layers))
    if card.get("layers") != list(sizes):
        raise VersionRefused(
            f"the card has layers {card.get('layers')}; the weights have {list(sizes)}"
        )
    return Model(
        architecture=Architecture(sizes, str(card.get("activation"))),
        theta=np.concatenate([part.ravel() for layer in layers for part in layer]),
        feature_scaling=Scaling(*(members[name] for name in SCALING)),
        target_scaling=Scaling(members["target_shift"], members["target_scale"]),
        columns=columns_of(card),
        targets=tuple(card["targets"]),
        feature_range=members["feature_range"],
        encoding=encoding_of(members, len(card["features"])),
        familiarity=familiarity_of(members),
    )


def check_network(members: Members) -> None:
    """Refuse a file whose members are not those of a network, finite and of shapes that chain."""
    parts = [
        f"{part}_{index}" for index in range(len(_layers(members))) for part in ("weights", "bias")
    ]
    check_members(members, [*SCALING, *parts])


def _layers(members: Members) -> _Layers:
    """Return the weights and the bias of each layer, whose shapes fit each other."""
    count = sum(name.startswith("weights_") for name in members)
    layers: _Layers = []
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
