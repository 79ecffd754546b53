"""Assessments of models and ensembles: predictions, scales of errors, and unfamiliar rows."""

from collections.abc import Callable

import numpy as np
import pytest

from network import Array, Encoding, Ensemble, InputError, Model, Predictor, Scaling, numbers
from network.encoding import SCALED
from tests.random_ensembles import FEATURES, make_ensemble, make_error_scale, make_familiarity


def ensemble(targets: int = 2) -> Ensemble:
    error_scale, familiarity = make_error_scale(targets), make_familiarity()
    return make_ensemble(targets, error_scale=error_scale, familiarity=familiarity)


@pytest.fixture(params=["ensemble", "network", "network with an encoding"])
def model(request: pytest.FixtureRequest, make_model: Callable[..., Model]) -> Predictor:
    """Return a model with two targets that knows familiar rows."""
    if request.param == "ensemble":
        return ensemble()
    encoding = Encoding.of(FEATURES, [(k, SCALED, 0.1, 2.0) for k in range(FEATURES)])
    return make_model(
        (FEATURES, 6, 2),
        encoding=encoding if request.param.endswith("encoding") else None,
        columns=numbers(["x1", "x2", "x3"]),
        familiarity=make_familiarity(FEATURES),
    )


def rows(count: int) -> Array:
    return 3.0 * np.random.default_rng(count).normal(size=(count, FEATURES))


@pytest.mark.parametrize("count", [0, 1, 2, 33, 300])
@pytest.mark.parametrize("scale", [False, True])
def test_predictions_have_the_bits_of_predict(count: int, scale: bool, model: Predictor) -> None:
    X = rows(count)
    assert model.assess(X, scale=scale).Y.tobytes() == model.predict(X).tobytes()


@pytest.mark.parametrize("scale", [False, True])
def test_a_row_has_the_same_assessment_alone_and_in_a_batch(scale: bool, model: Predictor) -> None:
    X = rows(70)
    batch = model.assess(X, scale=scale)
    assert batch.unfamiliar is not None
    for index, row in enumerate(X):
        y, sizes, unfamiliar = model.assess_row(row.tolist(), scale=scale)
        assert np.array(y).tobytes() == batch.Y[index].tobytes()
        assert unfamiliar is bool(batch.unfamiliar[index])
        assert (sizes is None) == (batch.scale is None)
        if sizes is not None and batch.scale is not None:
            assert sizes.tobytes() == batch.scale[index].tobytes()


def test_rows_outside_all_balls_are_unfamiliar(model: Predictor) -> None:
    found = model.assess(rows(200)).unfamiliar
    assert found is not None
    assert 0 < found.sum() < 200
    assert model.assess(np.full((1, FEATURES), 1e6)).unfamiliar == [True]


def test_the_scale_is_in_the_units_of_the_targets() -> None:
    X, small = rows(10), ensemble()
    large = make_ensemble(
        2,
        target_scaling=Scaling(small.target_scaling.shift, 10.0 * small.target_scaling.scale),
        error_scale=small.error_scale,
    )
    of_small, of_large = (each.assess(X, scale=True).scale for each in (small, large))
    assert of_small is not None
    assert of_large is not None
    np.testing.assert_allclose(of_large, 10.0 * of_small, rtol=1e-12)


def test_the_scale_is_computed_only_if_asked_for() -> None:
    assert ensemble().assess(rows(3)).scale is None
    assert ensemble().assess_row([0.0, 1.0, 2.0]).scale is None


def test_a_model_without_parts_for_them_has_neither_scales_nor_unfamiliar_rows(
    make_model: Callable[..., Model],
) -> None:
    for plain in (make_ensemble(), make_model((FEATURES, 6, 1))):
        assessment = plain.assess(rows(3), scale=True)
        assert (assessment.scale, assessment.unfamiliar) == (None, None)
        assert plain.assess_row([0.0, 1.0, 2.0], scale=True)[1:] == (None, None)


@pytest.mark.parametrize("huge", [1.7e308, np.inf])
def test_overflow_gives_no_warning(huge: float, model: Predictor) -> None:
    row = [huge, 1.0, -huge]
    assert model.assess_row(row, scale=True).unfamiliar is True
    assert model.assess([row], scale=True).unfamiliar == [True]


def test_another_number_of_features_is_refused(model: Predictor) -> None:
    with pytest.raises(InputError, match="the model expects 3 columns"):
        model.assess(np.zeros((2, 4)))
    for row in ([0.0, 1.0], [0.0, 1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match=r"zip|the row has"):
            model.assess_row(row)


def test_parts_for_other_inputs_are_refused(make_model: Callable[..., Model]) -> None:
    with pytest.raises(InputError, match="familiarity has shape"):
        make_ensemble(familiarity=make_familiarity(2))
    with pytest.raises(InputError, match="familiarity has shape"):
        make_model((FEATURES, 6, 1), familiarity=make_familiarity(2))
    with pytest.raises(InputError, match="error_scale has shape"):
        make_ensemble(targets=2, error_scale=make_error_scale(1))
