"""Models that are published and promoted in no time."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry import Models
from tests.trainer.linear_models import linear_model

DEFAULT = "numnet"
Promote = Callable[..., int]


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models.local(tmp_path / "models", DEFAULT)


@pytest.fixture
def promote(models: Models) -> Promote:
    """Return a function that publishes and promotes a version, and returns its number."""

    def promote(name: str, *, every: Any = None, source: Any = "table.csv") -> int:
        asked = {"layers": []} | ({} if every is None else {"every": every})
        card = {"recipe": {"asked": asked}, "data": {"source": source}}
        registry = models.registry(name)
        version = registry.publish(linear_model(np.ones((2, 1))), card, np.zeros((1, 2)))
        registry.promote(version.number, by="tests", reason="", at=datetime.now(UTC))
        return version.number

    return promote
