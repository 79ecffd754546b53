"""Sensitivities against differences of predictions, and contributions against their sums."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from network import Architecture, Array, Column, Encoding, Model, Scaling, explain, numbers
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE
from tests.network.problems import EVERY_ACTIVATION, EVERY_DEPTH, EVERY_OUTPUT_COUNT, problem

MakeModel = Callable[..., Model]

COLUMNS = (
    Column("size", has_gaps=True),
    Column("colour", "category", ("red", "green", "blue")),
    Column("sold", "datetime"),
    Column("new", "boolean"),
)
INPUTS = [
    (0, SCALED, 1.0, 2.0),
    (0, MISSING, 0.0, 1.0),
    (1, EQUALS, 0.0, 1.0),
    (1, EQUALS, 1.0, 1.0),
    (2, SCALED, 20_000.0, 400.0),
    (2, SINE, 0.0, 365.2425),
    (2, COSINE, 0.0, 365.2425),
    (3, SCALED, 0.4, 0.5),
]
ROWS = np.array(
    [
        [3.0, 0.0, 20_100.0, 0.0],
        [np.nan, 2.0, 19_800.25, 1.0],
        [-1.5, -1.0, 20_400.0, 0.0],
        [0.5, 1.0, 20_000.0, np.nan],
    ]
)


def network(activation: str, depth: int, outputs: int, **parts: object) -> tuple[Model, Array]:
    """Return a model with three features, and rows away from its activation's kinks."""
    architecture, theta, rows = problem(activation, depth, outputs)
    model = Model(
        architecture=architecture,
        theta=theta,
        feature_scaling=Scaling(np.array([1.0, -2.0, 0.0]), np.array([2.0, 0.5, 30.0])),
        target_scaling=Scaling(np.full(outputs, 5.0), np.arange(1.0, outputs + 1.0)),
        columns=numbers(["a", "b", "c"]),
        targets=tuple(f"y{k}" for k in range(outputs)),
        feature_range=np.array([[-9.0] * 3, [9.0] * 3]),
    )
    return model, rows.X * model.feature_scaling.scale + model.feature_scaling.shift


def encoded(make_model: MakeModel) -> Model:
    """Return a model with columns of every kind."""
    return make_model(
        (len(INPUTS), 12, 8, 2),
        "silu",
        encoding=Encoding.of(len(COLUMNS), INPUTS).centred(ROWS),
        feature_scaling=Scaling(np.zeros(len(INPUTS)), np.ones(len(INPUTS))),
        columns=COLUMNS,
        feature_range=np.vstack([np.full(4, -1.0), np.full(4, 1.0)]),
    )


def slopes_by_differences(model: Model, X: Array, steps: Array) -> Array:
    """Return ∂ŷ/∂x by central differences: (N, targets, features)."""
    each = [
        (model.predict(X + step) - model.predict(X - step)) / (2.0 * step.max())
        for step in np.diag(steps)
    ]
    return np.stack(each, axis=2)


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_sensitivities_are_the_slopes_of_the_prediction(
    activation: str, depth: int, outputs: int
) -> None:
    model, X = network(activation, depth, outputs)
    expected = slopes_by_differences(model, X, 1e-5 * model.feature_scaling.scale)
    np.testing.assert_allclose(explain(model, X).sensitivities, expected, rtol=1e-6, atol=1e-8)


@EVERY_ACTIVATION
@EVERY_DEPTH
@EVERY_OUTPUT_COUNT
def test_contributions_sum_to_the_difference_from_the_baseline(
    activation: str, depth: int, outputs: int
) -> None:
    model, X = network(activation, depth, outputs)
    explanation = explain(model, X)
    sums = explanation.contributions.sum(axis=2)
    assert abs(sums - (model.predict(X) - explanation.baseline)).max() < 1e-9
    assert sums.tobytes() != np.zeros_like(sums).tobytes()


@EVERY_ACTIVATION
def test_contributions_are_the_integrals_of_the_gradients(activation: str) -> None:
    model, X = network(activation, 2, 2)
    mean = model.feature_scaling.shift
    along = [
        explain(model, mean + alpha * (X - mean)).sensitivities
        for alpha in (np.arange(40) + 0.5) / 40
    ]
    expected = np.mean(along, axis=0) * (X - mean)[:, None]
    got = explain(model, X).contributions
    assert abs(got - expected).max() < 0.02 * abs(expected).max()


def test_the_baseline_is_the_prediction_for_the_mean_of_the_features() -> None:
    model, _ = network("tanh", 2, 2)
    explanation = explain(model, model.feature_scaling.shift[None])
    np.testing.assert_allclose(
        explanation.baseline, model.predict(model.feature_scaling.shift[None])[0], rtol=1e-14
    )
    assert abs(explanation.contributions).max() < 1e-14


def test_a_linear_model_has_its_coefficients_and_their_products_with_the_deviations() -> None:
    model, X = network("identity", 0, 3)
    W = model.architecture.layers(model.theta)[0][0]
    scale = model.feature_scaling.scale
    coefficients = (W / scale[:, None] * model.target_scaling.scale).T
    explanation = explain(model, X)
    np.testing.assert_allclose(
        explanation.sensitivities, np.broadcast_to(coefficients, (len(X), 3, 3)), rtol=1e-14
    )
    deviations = (X - model.feature_scaling.shift)[:, None]
    np.testing.assert_allclose(
        explanation.contributions, coefficients * deviations, rtol=1e-10, atol=1e-13
    )


def test_features_that_the_model_treats_alike_contribute_alike() -> None:
    model, _ = network("tanh", 2, 1)
    W, _ = model.architecture.layers(theta := model.theta.copy())[0]
    W[1] = W[0]
    symmetric = replace(model, theta=theta)
    z = np.array([[0.7, 0.7, -1.0]])
    X = z * model.feature_scaling.scale + model.feature_scaling.shift
    first, second, _ = explain(symmetric, X).contributions[0, 0]
    assert first == pytest.approx(second, rel=1e-12)


def test_a_feature_that_the_model_ignores_contributes_nothing() -> None:
    model, X = network("silu", 2, 1)
    W, _ = model.architecture.layers(theta := model.theta.copy())[0]
    W[1] = 0.0
    explanation = explain(replace(model, theta=theta), X)
    assert (explanation.contributions[:, :, 1] == 0.0).all()
    assert (explanation.sensitivities[:, :, 1] == 0.0).all()


def test_contributions_of_every_kind_of_column_sum_to_the_difference(make_model: MakeModel) -> None:
    model = encoded(make_model)
    explanation = explain(model, ROWS)
    sums = explanation.contributions.sum(axis=2)
    np.testing.assert_allclose(sums, model.predict(ROWS) - explanation.baseline, rtol=0, atol=1e-12)
    assert (abs(explanation.contributions[:, :, 1]) > 1e-3).all()  # of the category


def test_sensitivities_of_numbers_and_dates_are_in_their_own_units(make_model: MakeModel) -> None:
    model = encoded(make_model)
    expected = slopes_by_differences(model, ROWS, np.array([1e-5, 1.0, 1e-3, 1.0]))
    got = explain(model, ROWS).sensitivities
    present = [0, 2, 3]
    np.testing.assert_allclose(got[present, :, 0], expected[present, :, 0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(got[:, :, 2], expected[:, :, 2], rtol=1e-5, atol=1e-9)


def test_categories_booleans_and_missing_cells_have_no_sensitivity(make_model: MakeModel) -> None:
    sensitivities = explain(encoded(make_model), ROWS).sensitivities
    undefined: NDArray[np.bool_] = np.asarray(np.isnan(sensitivities).all(axis=1))
    assert undefined[:, [1, 3]].all()
    assert undefined[:, 0].tolist() == [False, True, False, False]
    assert not undefined[:, 2].any()


@pytest.mark.parametrize("rows", [1, 2, 9, 300])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(make_model: MakeModel, rows: int) -> None:
    model = make_model((4, 32, 16, 3), "silu")
    X = np.random.default_rng(rows).normal(size=(rows, 4))
    batch = explain(model, X)
    for index in range(rows):
        alone = explain(model, X[index : index + 1])
        assert alone.sensitivities[0].tobytes() == batch.sensitivities[index].tobytes()
        assert alone.contributions[0].tobytes() == batch.contributions[index].tobytes()


def test_contributions_sum_exactly_if_the_function_is_rough() -> None:
    """A sine of many turns needs more nodes than there are; the sum is exact all the same."""
    architecture = Architecture((2, 8, 1), "sine")
    theta = np.random.default_rng(1).normal(0.0, 30.0, architecture.parameters)
    model, _ = network("sine", 1, 1)
    rough = Model(
        architecture,
        theta,
        Scaling(np.zeros(2), np.ones(2)),
        model.target_scaling,
        numbers(["a", "b"]),
        model.targets,
        np.array([[-1.0] * 2, [1.0] * 2]),
    )
    X = np.random.default_rng(2).normal(size=(20, 2))
    explanation = explain(rough, X)
    sums = explanation.contributions.sum(axis=2)
    assert abs(sums - (rough.predict(X) - explanation.baseline)).max() < 1e-9


@pytest.mark.parametrize("kinds", [(SCALED,), (SCALED, MISSING)], ids=["one", "two"])
def test_memory_is_linear_in_the_features(make_model: MakeModel, kinds: tuple[int, ...]) -> None:
    features, gaps = 3_000, MISSING in kinds
    inputs = [(i, kind, 0.0, 1.0) for i in range(features) for kind in kinds]
    model = make_model(
        (len(inputs), 1, 1),
        "tanh",
        encoding=Encoding.of(features, inputs),
        feature_scaling=Scaling(np.zeros(len(inputs)), np.ones(len(inputs))),
        columns=tuple(Column(f"c{i}", has_gaps=gaps) for i in range(features)),
        feature_range=np.vstack([np.full(features, -1.0), np.full(features, 1.0)]),
    )
    tracemalloc.start()
    explain(model, np.zeros((1, features)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2_000 * features
