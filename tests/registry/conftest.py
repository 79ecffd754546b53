"""A small model, and a registry in a new folder."""

import dataclasses
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from network import Array, Model
from registry import Promotion, Registry, versions
from registry.verified_files import VerifiedFiles
from tests.registry.samples import make_model

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

Publish = Callable[[], int]


@pytest.fixture(autouse=True)
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the files that other tests have verified, as a new process does."""
    monkeypatch.setattr(versions, "VERIFIED", VerifiedFiles())


@pytest.fixture
def model() -> Model:
    return make_model((2, 3, 1))


@pytest.fixture
def golden() -> Array:
    """Return a few rows for `model`."""
    return np.random.default_rng(1).uniform(-1, 1, (3, 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def registry(folder: Path) -> Registry:
    return Registry.local(folder)


@pytest.fixture
def publish(registry: Registry, model: Model, golden: Array) -> Publish:
    """Return a function that publishes a version and returns its number.

    The versions differ in the range of their features, so that a rollback tells them apart.
    """
    count = itertools.count(1)

    def publish() -> int:
        changed = dataclasses.replace(model, feature_range=model.feature_range * next(count))
        return registry.publish(changed, {"seed": 7}, golden).number

    return publish


def promote(registry: Registry, version: int) -> Promotion:
    return registry.promote(version, by="tests", reason="it is better", at=NOON)


def roll_back(registry: Registry) -> int:
    return registry.roll_back(by="tests", at=NOON).version


def log_entries(folder: Path) -> dict[str, bytes]:
    """Return the content of the promotion log's files, by name."""
    return {path.name: path.read_bytes() for path in (folder / "promotions").glob("*")}
