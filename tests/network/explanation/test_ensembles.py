"""Explanations of ensembles, with ramps and without."""

import numpy as np
import pytest

from network import Array, Encoding, explain
from network.encoding import SCALED
from network.ensemble.ensemble import Ensemble
from network.ensemble.piecewise_linear import Ramps
from tests.network.ensemble.conftest import MakeEnsemble
from tests.network.ensemble.test_ensemble import EVERY_STACK, stack_of
from tests.random_ensembles import FEATURES, random_networks

WIDE_RANGE = np.outer([-9.0, 9.0], np.ones(FEATURES))
EVERY_TARGET_COUNT = pytest.mark.parametrize("targets", [1, 3])


def rows_of(ensemble: Ensemble, count: int = 60) -> Array:
    """Return rows that are not near an edge of a bin."""
    X = np.random.default_rng(1).normal(0.5, 1.0, (20 * count, FEATURES))
    Z = ensemble.encoding.encode(X)
    near = np.zeros(len(X), dtype=bool)
    for ramps in (networks.ramps for networks in ensemble.networks):
        for edges in (ramps.start, ramps.start + ramps.width):
            near |= (abs(Z[:, ramps.column] - edges) < 1e-3).any(axis=1)
    return X[~near][:count]


@EVERY_STACK
@EVERY_TARGET_COUNT
def test_sensitivities_are_the_slopes_of_the_prediction(
    targets: int, stack: str, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble(targets, stack=stack_of(stack, targets))
    X = rows_of(ensemble)
    expected = [
        (ensemble.predict(X + step) - ensemble.predict(X - step)) / 2e-5
        for step in 1e-5 * np.eye(FEATURES)
    ]
    np.testing.assert_allclose(
        explain(ensemble, X).sensitivities, np.stack(expected, axis=2), rtol=1e-7, atol=1e-8
    )


@EVERY_STACK
@EVERY_TARGET_COUNT
def test_contributions_sum_to_the_difference_from_the_baseline(
    targets: int, stack: str, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble(targets, stack=stack_of(stack, targets))
    X = rows_of(ensemble)
    X[3, 2] = np.nan
    explanation = explain(ensemble, X)
    sums = explanation.contributions.sum(axis=2)
    assert abs(sums - (ensemble.predict(X) - explanation.baseline)).max() < 1e-9


@EVERY_STACK
def test_the_baseline_is_the_prediction_for_the_mean_of_the_inputs(
    stack: str, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble(stack=stack_of(stack))
    mean = np.full((1, FEATURES), 0.5)
    explanation = explain(ensemble, mean)
    np.testing.assert_allclose(explanation.baseline, ensemble.predict(mean)[0], rtol=1e-12)
    assert abs(explanation.contributions).max() < 1e-12


def test_without_ramps_contributions_are_the_integrals_of_the_gradients(
    make_ensemble: MakeEnsemble,
) -> None:
    ensemble = make_ensemble(2, stack=stack_of("plain", 2), feature_range=WIDE_RANGE)
    X, mean = rows_of(ensemble), 0.5
    nodes = (np.arange(100) + 0.5) / 100
    along = [explain(ensemble, mean + alpha * (X - mean)).sensitivities for alpha in nodes]
    expected = np.mean(along, axis=0) * (X - mean)[:, None]
    got = explain(ensemble, X).contributions
    np.testing.assert_allclose(got, expected, atol=1e-3 * abs(expected).max())


def test_with_ramps_a_feature_that_the_networks_see_alone_contributes_all(
    make_ensemble: MakeEnsemble,
) -> None:
    ensemble = make_ensemble(stack=stack_of("piecewise-linear"))
    X = rows_of(ensemble)
    X[:, :2] = 0.5  # the mean, so that only the last feature differs
    explanation = explain(ensemble, X)
    total = ensemble.predict(X) - explanation.baseline
    np.testing.assert_allclose(explanation.contributions[:, :, 2], total, atol=1e-12)
    assert abs(explanation.contributions[:, :, :2]).max() < 1e-12


def test_features_that_all_members_treat_alike_contribute_alike(
    make_ensemble: MakeEnsemble,
) -> None:
    edges = np.linspace(-2.0, 2.0, 4)
    column = np.repeat([0, 1], 3)
    networks = random_networks(Ramps(column, np.tile(edges[:-1], 2), np.full(6, 4 / 3)), 1, 8, 3)
    weights = networks.weights
    for array in (weights.s, weights.W, weights.V, weights.U):
        array.setflags(write=True)
    half = len(column) // 2
    weights.s[:, 1], weights.W[:, 1] = weights.s[:, 0], weights.W[:, 0]
    weights.V[:, half:], weights.U[:, 1] = weights.V[:, :half], weights.U[:, 0]
    ensemble = make_ensemble(networks=(networks,), process=None, linear=None, stack=np.ones((1, 1)))
    first, second, _ = explain(ensemble, [[1.7, 1.7, -0.3]]).contributions[0, 0]
    assert first == pytest.approx(second, rel=1e-6)
    assert abs(first) > 1e-3


def test_an_ensemble_of_linear_models_has_its_coefficients(make_ensemble: MakeEnsemble) -> None:
    ensemble = make_ensemble(2, stack=stack_of("linear", 2), feature_range=WIDE_RANGE)
    assert ensemble.linear is not None
    X = rows_of(ensemble)
    explanation = explain(ensemble, X)
    coefficients = ensemble.linear.slopes.mean(axis=0).T[:, :FEATURES] / 1.5
    coefficients = coefficients * ensemble.target_scaling.scale[:, None]
    expected = np.broadcast_to(coefficients, explanation.sensitivities.shape)
    np.testing.assert_allclose(explanation.sensitivities, expected, rtol=1e-13)
    np.testing.assert_allclose(
        explanation.contributions, coefficients * (X - 0.5)[:, None], rtol=1e-10, atol=1e-13
    )


def test_beyond_all_bins_only_the_ramps_are_flat(make_ensemble: MakeEnsemble) -> None:
    networks = random_networks(Ramps(np.array([0]), np.zeros(1), np.ones(1)), 1, 8, 3)
    parts = {"networks": (networks,), "process": None, "linear": None, "stack": np.ones((1, 1))}
    encoding = Encoding.of(FEATURES, [(c % FEATURES, SCALED, 0.0, 1.0) for c in range(4)])
    ensemble = make_ensemble(encoding=encoding, **parts)
    X = np.array([[-1.0, 0.2, 0.1], [0.4, 0.2, 0.1], [2.0, 0.2, 0.1]])
    step = np.array([1e-6, 0.0, 0.0])
    expected = (ensemble.predict(X + step) - ensemble.predict(X - step)) / 2e-6
    got = explain(ensemble, X).sensitivities[:, :, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)


def test_on_an_edge_the_slope_is_that_of_the_bin_above_it_or_of_the_last_bin(
    make_ensemble: MakeEnsemble,
) -> None:
    ensemble = make_ensemble(stack=stack_of("piecewise-linear"))
    ramps = ensemble.networks[1].ramps
    of_first = ramps.column == 0
    start, end = ramps.start[of_first], (ramps.start + ramps.width)[of_first][-1]
    X = np.zeros((3, FEATURES))
    X[:, 0] = 0.5 + 1.5 * np.array([start[1], end, end])
    step = 1e-7
    X[1, 0] -= step
    on_edge, inside, after = explain(ensemble, X).sensitivities[:, 0, 0]
    above = explain(ensemble, X[:1] + np.array([step, 0.0, 0.0])).sensitivities[0, 0, 0]
    assert on_edge == pytest.approx(above, rel=1e-4)
    assert np.isfinite(after)
    assert np.isfinite(inside)


@pytest.mark.parametrize("rows", [1, 2, 33, 200])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(
    rows: int, make_ensemble: MakeEnsemble
) -> None:
    ensemble = make_ensemble(3, 64)
    X = np.random.default_rng(rows).normal(size=(rows, FEATURES))
    batch = explain(ensemble, X)
    for index in range(0, rows, 5):
        alone = explain(ensemble, X[index : index + 1])
        assert alone.sensitivities[0].tobytes() == batch.sensitivities[index].tobytes()
        assert alone.contributions[0].tobytes() == batch.contributions[index].tobytes()


def test_zero_rows_have_no_explanations(make_ensemble: MakeEnsemble) -> None:
    explanation = explain(make_ensemble(2), np.empty((0, FEATURES)))
    assert explanation.contributions.shape == (0, 2, FEATURES)
