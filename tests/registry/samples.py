"""Models with random weights, and a version's file that tests change."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from network import Architecture, Array, Model, Scaling, initial_parameters, numbers
from registry import Version
from registry.archive import Members
from registry.model_file import encode
from registry.model_file.members import checksum
from tests.single_network import network

Change = Callable[[Members], None]


def make_model(sizes: tuple[int, ...], activation: str = "tanh", seed: int = 0) -> Model:
    rng = np.random.default_rng(seed)
    architecture = Architecture(sizes, activation)
    features, targets = architecture.features, architecture.targets
    return Model(
        architecture=architecture,
        theta=initial_parameters(architecture, rng),
        feature_scaling=Scaling(rng.normal(size=features), rng.uniform(0.5, 2, features)),
        target_scaling=Scaling(rng.normal(size=targets), rng.uniform(0.5, 2, targets)),
        columns=numbers([f"x{index + 1}" for index in range(features)]),
        targets=tuple(f"y{index + 1}" for index in range(targets)),
        feature_range=np.array([[-1.0], [1.0]]).repeat(features, axis=1),
    )


MODEL = make_model((2, 3, 1))


def golden_rows(model: Model) -> Array:
    return np.random.default_rng(1).uniform(-2, 2, (3, len(model.features)))


FILE = encode(3, MODEL, {"seed": 7, "history": [1.0, 0.5]}, golden_rows(MODEL))


def assert_same(version: Version, model: Model) -> None:
    """Compare names, shapes and bits."""
    loaded = network(version.model)
    assert loaded.architecture == model.architecture
    assert (loaded.features, loaded.targets) == (model.features, model.targets)
    for name in ("theta", "feature_range"):
        assert getattr(loaded, name).tobytes() == getattr(model, name).tobytes()
    for name in ("feature_scaling", "target_scaling"):
        for part in ("shift", "scale"):
            got, want = (getattr(getattr(one, name), part) for one in (loaded, model))
            assert got.tobytes() == want.tobytes()
    X = np.random.default_rng(2).normal(0, 3, (17, len(model.features)))
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()


def members_of(content: bytes) -> Members:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return dict(archive)


def file_of(members: Members) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **members)
    return file.getvalue()


def forged(change: Change, content: bytes = FILE) -> bytes:
    """Return a file with a change and a checksum that matches it."""
    members = members_of(content)
    change(members)
    members["checksum"] = np.array(checksum(members))
    return file_of(members)


def put(name: str, value: Any, dtype: Any = None) -> Change:
    return lambda members: members.update({name: np.array(value, dtype)})


def cast(name: str, dtype: Any) -> Change:
    return lambda members: members.update({name: members[name].astype(dtype)})


def drop(*names: str) -> Change:
    def change(members: Members) -> None:
        for name in names:
            del members[name]

    return change


def set_item(name: str, value: float) -> Change:
    """Replace the last number of an array."""

    def change(members: Members) -> None:
        members[name].flat[-1] = value

    return change


def add(name: str, amount: float) -> Change:
    return lambda members: members.update({name: members[name] + amount})


def card(content: bytes) -> Change:
    return put("card", np.frombuffer(content, dtype=np.uint8))


def card_with(**changes: Any) -> Change:
    def change(members: Members) -> None:
        described = json.loads(members["card"].tobytes()) | changes
        card(json.dumps(described).encode())(members)

    return change
