"""Random ensembles."""

from collections.abc import Callable

import pytest

from network import Ensemble
from tests import random_ensembles

MakeEnsemble = Callable[..., Ensemble]


@pytest.fixture(scope="session")
def make_ensemble() -> MakeEnsemble:
    """Return `random_ensembles.make_ensemble`."""
    return random_ensembles.make_ensemble
