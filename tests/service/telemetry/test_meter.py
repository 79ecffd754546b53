"""What the meter counts of a request."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.telemetry.meter import totals
from service.telemetry.metric_families import BUCKET_BOUNDS
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
    labels = ("POST", "/predict", "native")
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
