"""Parts of ensembles: arrays that fit each other."""

from dataclasses import replace

import numpy as np
import pytest

from network import InputError
from network.ensemble.parts import Linear
from network.ensemble.piecewise_linear import Ramps
from tests.network.ensemble.conftest import MakeEnsemble
from tests.random_ensembles import HELD_OUT, random_networks


def test_weights_of_another_shape_are_refused() -> None:
    networks = random_networks(Ramps.none(), 1, 8, 0)
    weights = replace(networks.weights, W2=networks.weights.W2[:, :7])
    with pytest.raises(InputError, match="weights have shape"):
        replace(networks, weights=weights)


def test_weights_that_are_not_finite_are_refused() -> None:
    networks = random_networks(Ramps.none(), 1, 8, 0)
    W2 = networks.weights.W2.copy()
    W2[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        replace(networks, weights=replace(networks.weights, W2=W2))


def test_ramps_of_inputs_that_do_not_exist_are_refused() -> None:
    ramps = Ramps(np.array([9]), np.zeros(1), np.ones(1))
    with pytest.raises(InputError, match="ramps must be of the 4 inputs"):
        random_networks(ramps, 1, 8, 0)


def test_another_number_of_held_out_folds_is_refused(make_ensemble: MakeEnsemble) -> None:
    ensemble = make_ensemble()
    for part in (ensemble.networks[0], ensemble.linear):
        assert part is not None
        with pytest.raises(InputError, match="6 members need as many pairs"):
            replace(part, held_out=HELD_OUT[:5])


def test_linear_models_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="weights have shape"):
        Linear(np.zeros((6, 2)), np.zeros((6, 4, 1)), HELD_OUT)
    with pytest.raises(InputError, match="3 dimensions"):
        Linear(np.zeros((6, 2)), np.zeros((6, 4)), HELD_OUT)
