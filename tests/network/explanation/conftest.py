"""Random ensembles."""

from tests.network.ensemble.conftest import make_ensemble

__all__ = ["make_ensemble"]
