"""A client and a running service: what each method returns."""

import numpy as np
import pytest

from network import Model
from numnet import Client, NotFound
from tests.e2e.conftest import ADMIN_TOKEN, Service
from tests.service.small_models import FEATURES, random_rows

X = random_rows(20)
ROWS = [dict(zip(FEATURES, row, strict=True)) for row in X.tolist()]


def test_a_row_gets_a_prediction_that_is_a_number(client: Client, model: Model) -> None:
    prediction = client.predict(ROWS[0])
    assert float(prediction) == model.predict(X[:1]).item()
    assert prediction.version == "2"
    assert prediction.lower is None
    assert f"{prediction:.3f}" == f"{float(prediction):.3f}"


def test_rows_get_predictions_that_are_an_array(client: Client, model: Model) -> None:
    predictions = client.predict(ROWS)
    assert np.asarray(predictions).tobytes() == model.predict(X).tobytes()
    assert [each.prediction for each in predictions] == list(predictions.values)
    outside = model.outside(X)
    assert list(predictions.extrapolating) == [
        (row, FEATURES[column]) for row, column in np.argwhere(outside).tolist()
    ]


def test_models_and_versions_are_listed(client: Client) -> None:
    [model] = client.models()
    assert (model.name, model.default, model.current) == ("numnet", True, "2")
    versions = client.versions()
    assert [each.version for each in versions] == ["2", "1"]
    assert versions.current == "2"
    assert versions[0].features == FEATURES
    assert [each.version for each in versions.promotions] == ["2"]
    assert client.card(1)["features"] == list(FEATURES)
    assert client.evaluation(1)["targets"] == ["y"]


def test_status_says_which_version_is_in_use(client: Client, service: Service) -> None:
    assert client.status().ready
    assert client.status().version == "2"
    with Client(service.url, model="numnet") as named:
        assert named.status().version == "2"
    with Client(service.url, model="other") as other:
        assert not other.status().ready
        with pytest.raises(NotFound):
            other.predict(ROWS)


def test_the_token_is_never_shown(service: Service) -> None:
    with Client(service.url, token=ADMIN_TOKEN) as client:
        client.status()
        assert ADMIN_TOKEN not in repr(client) + repr(vars(client))
