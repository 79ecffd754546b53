"""What the meter counts of a request."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.telemetry import meter
from service.telemetry.meter import totals
from service.telemetry.metric_families import BUCKET_BOUNDS
from service.telemetry.model_labels import MOST_MODELS
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry


@given(seconds=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=50))
@settings(max_examples=50)
def test_histogram_buckets_count_values_up_to_their_bounds(seconds: list[float]) -> None:
    telemetry = Telemetry.of_single_process()
    for each in seconds:
        context = RequestContext("POST", "/predict", "", "", route="/predict")
        telemetry.meter.observe(context, 200, each)
    counted = totals(telemetry.counters)["numnet_request_duration_seconds"]
    labels = ("POST", "/predict", "native", "")
    assert counted[*labels, "sum"] == pytest.approx(sum(seconds))
    below = -1.0
    for bound in BUCKET_BOUNDS:
        assert counted[*labels, str(bound)] == sum(below < each <= bound for each in seconds)
        below = bound
    assert counted[*labels, "+Inf"] == sum(each > below for each in seconds)


def test_requests_in_flight_are_counted_for_running_processes_only(telemetry: Telemetry) -> None:
    def in_flight() -> float:
        return totals(telemetry.counters)["numnet_requests_in_flight"].get((), 0.0)

    telemetry.meter.set_in_flight(3)
    telemetry.counters.release(0)
    assert in_flight() == 0
    Telemetry.in_slot(telemetry.counters, 0)  # the process that replaces it has no requests yet
    assert in_flight() == 0


def predicted(model: str, version: str = "1", **fields: Any) -> RequestContext:
    route = "/models/<name>/predict"
    return RequestContext(
        "POST", "", "", "", route=route, model=model, version=version, rows=1, **fields
    )


def test_predictions_are_counted_by_model(telemetry: Telemetry) -> None:
    for model in ("pump", "fan", "pump"):
        seen = {"flow": 2}
        context = predicted(model, out_of_range=seen, unseen=seen, unfamiliar=1)
        telemetry.meter.observe(context, 200, 0.25)
    counted = totals(telemetry.counters)
    route = ("POST", "/models/<name>/predict", "native")
    assert counted["numnet_requests"] == {(*route, "pump", "200"): 2, (*route, "fan", "200"): 1}
    assert counted["numnet_request_duration_seconds"][*route, "pump", "sum"] == 0.5
    success = {("pump", "1", "success"): 2, ("fan", "1", "success"): 1}
    assert counted["numnet_predictions"] == success
    assert counted["numnet_prediction_seconds"] == {key: n / 4 for key, n in success.items()}
    assert counted["numnet_predicted_rows"] == {("pump", "1"): 2, ("fan", "1"): 1}
    for family in ("numnet_out_of_range_values", "numnet_unseen_categories"):
        assert counted[family] == {("pump", "flow"): 4, ("fan", "flow"): 2}
    assert counted["numnet_unfamiliar_rows"] == {("pump",): 2, ("fan",): 1}


def test_request_for_no_model_has_an_empty_label(telemetry: Telemetry) -> None:
    telemetry.meter.observe(RequestContext("GET", "", "", "", route="/livez"), 200, 0.1)
    assert totals(telemetry.counters)["numnet_requests"] == {
        ("GET", "/livez", "native", "", "200"): 1
    }


def test_further_models_add_no_series(telemetry: Telemetry) -> None:
    for number in range(MOST_MODELS):
        telemetry.meter.start_model(f"m{number}")
    for number in range(50):
        seen = {f"x{number}": 1, "y": 1}
        context = predicted(f"n{number}", str(number + 1), out_of_range=seen, unseen=seen)
        telemetry.meter.observe(context, 200, 0.1)
        telemetry.meter.count_model_load(f"n{number}")
        telemetry.meter.count_model_refusal(f"n{number}")
    counted = totals(telemetry.counters)
    assert counted["numnet_predictions"] == {("other", "other", "success"): 50}
    assert counted["numnet_predicted_rows"] == {("other", "other"): 50}
    assert counted["numnet_out_of_range_values"] == {("other", "other"): 100}
    assert counted["numnet_unseen_categories"] == {("other", "other"): 100}
    assert counted["numnet_model_loads"]["other",] == 50
    assert counted["numnet_model_refusals"]["other",] == 50
    assert len(counted["numnet_model_loads"]) == MOST_MODELS + 1
    assert len(counted["numnet_requests"]) == 1


def test_series_of_a_model_start_at_0(telemetry: Telemetry) -> None:
    telemetry.meter.start_model("pump")
    telemetry.meter.count_model_load("pump")
    telemetry.meter.start_model("pump")
    counted = totals(telemetry.counters)
    assert counted["numnet_model_loads"] == {("pump",): 1}
    assert counted["numnet_model_refusals"] == {("pump",): 0}
    assert counted["numnet_unfamiliar_rows"] == {("pump",): 0}


def test_counts_do_not_depend_on_how_many_kinds_of_requests_are_remembered(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "_KINDS_KEPT", 3)
    for number in range(30):
        telemetry.meter.observe(predicted("pump", str(1 + number % 10)), 200, 0.1)
    counted = totals(telemetry.counters)["numnet_predicted_rows"]
    assert counted == {("pump", str(number)): 3 for number in range(1, 11)}


def test_memory_of_models_is_that_of_running_processes(telemetry: Telemetry) -> None:
    def in_memory() -> float:
        return totals(telemetry.counters)["numnet_models_in_memory_bytes"].get((), 0.0)

    telemetry.counters.allocate(1)
    other = Telemetry.in_slot(telemetry.counters, 1)
    telemetry.meter.set_models_in_memory(1000)
    other.meter.set_models_in_memory(500)
    assert in_memory() == 1500
    telemetry.counters.release(1)
    assert in_memory() == 1000
    Telemetry.in_slot(telemetry.counters, 1)  # its successor has none yet
    assert in_memory() == 1000
