"""The model that a request asks for, by its path and headers."""

from pathlib import Path

import pytest

from registry import Models, Registry
from service.model.asked_model import AskedModel
from service.model.model_cache import ModelCache
from service.telemetry.telemetry import Telemetry
from tests.service.small_models import serve, small_model


@pytest.mark.parametrize(
    ("path", "header", "expected"),
    [
        ("/predict", "", "numnet"),
        ("/predict", "pump", "numnet"),  # only the protocol without a name in its paths has it
        ("/invocations", "", "numnet"),
        ("/invocations", "pump", "pump"),
        ("/invocations", "valve", ""),
        ("/models/pump/predict", "", "pump"),
        ("/models/numnet/predict", "", "numnet"),
        ("/models/pump", "", "pump"),
        ("/models/pump/3/promote", "", "pump"),
        ("/v2/models/pump/infer", "", "pump"),
        ("/v2/models/pump/versions/1/infer", "", "pump"),
        ("/v1/models/pump:predict", "", "pump"),
        ("/v1/models/pump/versions/1:predict", "", "pump"),
        ("/models/valve/predict", "", ""),
        ("/models/cold/predict", "", ""),
        ("/models/3", "", ""),
        ("/models", "", ""),
        ("/metrics", "", ""),
        ("/retrain", "", ""),
        ("/v2/models/stats", "", ""),
        ("/x/models/pump/predict", "", ""),
    ],
)
def test_request_is_for_the_model_in_memory_that_it_names(
    models: Path, telemetry: Telemetry, path: str, header: str, expected: str
) -> None:
    for name in ("pump", "cold"):
        serve(Registry.local(models / name), small_model())
    cache = ModelCache(Models.local(models, "numnet"), telemetry.meter, 2**20)
    cache.find("pump")
    headers = [(b"host", b"a"), *([(b"x-model", header.encode())] if header else [])]
    assert AskedModel(cache).name(path, headers) == expected
