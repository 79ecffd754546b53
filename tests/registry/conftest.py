"""Small models, and a registry in a fresh folder."""

from pathlib import Path

import numpy as np
import pytest

from network import Array, Model
from registry import Registry
from tests.registry.models import make_model


@pytest.fixture
def model() -> Model:
    return make_model((2, 3, 1))


@pytest.fixture
def golden() -> Array:
    """A few rows for `model`."""
    return np.random.default_rng(1).uniform(-1, 1, (3, 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def registry(folder: Path) -> Registry:
    return Registry.local(folder)
