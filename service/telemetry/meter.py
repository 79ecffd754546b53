"""Counts the requests and events of one server process in its slot of the shared counters.

The place of each series in the slot is looked up once and kept, because a prediction takes only
100 µs in all.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from service.telemetry.metric_families import (
    BUCKET_BOUNDS,
    FAMILIES,
    METHODS,
    OTHER,
    REFUSAL_REASONS,
    dialect,
)
from service.telemetry.request_context import RequestContext
from service.telemetry.shared_counters import SharedCounters, Slot

Labels = tuple[str, ...]


class _Series(NamedTuple):
    """Places in the slot of the counters that one kind of request increments."""

    requests: int
    seconds: int
    buckets: list[int]
    predictions: int
    prediction_seconds: int
    rows: int


class Meter:
    """Counts what one server process does. Safe to share between threads."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._series: dict[tuple[str, str | None, int, str | None, bool], _Series] = {}
        self._features: dict[tuple[str, str], int] = {}
        self._in_flight = slot.place(_series_name("numnet_requests_in_flight"))
        self.set_in_flight(0)  # the slot's previous process may have left another number
        # Start all series at 0: Prometheus cannot compute a rate from a series' first value.
        for reason in REFUSAL_REASONS:
            self._add("numnet_requests_refused", reason, amount=0.0)
        for name, family in FAMILIES.items():
            if not family.labels:
                self._add(name, amount=0.0)

    def observe(self, context: RequestContext, status: int, seconds: float) -> None:
        """Count an answered request."""
        version, rows = context.version, context.rows
        method = context.method if context.method in METHODS else OTHER
        key = (method, context.route, status, version, rows is None)
        series = self._series.get(key) or self._find_series(*key)
        slot = self._slot
        numbers = slot.numbers
        with slot.lock:
            numbers[series.requests] += 1
            numbers[series.seconds] += seconds
            numbers[series.buckets[bisect_left(BUCKET_BOUNDS, seconds)]] += 1
            if version is not None:
                numbers[series.predictions] += 1
                numbers[series.prediction_seconds] += seconds
                if rows is not None:
                    numbers[series.rows] += rows
        if context.out_of_range:
            self._count_features("numnet_out_of_range_values", context.out_of_range)
        if context.unfamiliar:
            self._add("numnet_unfamiliar_rows", amount=context.unfamiliar)
        if context.unseen:
            self._count_features("numnet_unseen_categories", context.unseen)

    def set_in_flight(self, requests: int) -> None:
        """Set the number of requests that this process is answering."""
        self._slot.numbers[self._in_flight] = requests

    def count_refusal(self, reason: str) -> None:
        """Count a request that the server rejected; `reason` is one of `REFUSAL_REASONS`."""
        self._add("numnet_requests_refused", reason)

    def count_model_load(self) -> None:
        """Count a version that became this process's current version."""
        self._add("numnet_model_loads")

    def count_model_refusal(self) -> None:
        """Count a promotion that this process refused."""
        self._add("numnet_model_refusals")

    def count_process_start(self) -> None:
        """Count the start of this process."""
        self._add("numnet_worker_starts")

    def _count_features(self, family: str, counts: Mapping[str, int]) -> None:
        places = [self._feature_place(family, feature) for feature in counts]
        with self._slot.lock:
            for place, count in zip(places, counts.values(), strict=True):
                self._slot.numbers[place] += count

    def _feature_place(self, family: str, feature: str) -> int:
        place = self._features.get((family, feature))
        if place is None:
            place = self._slot.place(_series_name(family, feature))
            self._features[family, feature] = place
        return place

    def _add(self, family: str, *labels: str, amount: float = 1.0) -> None:
        place = self._slot.place(_series_name(family, *labels))
        with self._slot.lock:
            self._slot.numbers[place] += amount

    def _find_series(
        self, method: str, route: str | None, status: int, version: str | None, failed: bool
    ) -> _Series:
        def place(family: str, *labels: str) -> int:
            return self._slot.place(_series_name(family, *labels))

        labels = (method, route or OTHER, dialect(route))
        duration = "numnet_request_duration_seconds"
        predictions = prediction_seconds = rows = 0
        if version is not None:
            outcome = (version, "fail" if failed or status >= 400 else "success")
            predictions = place("numnet_predictions", *outcome)
            prediction_seconds = place("numnet_prediction_seconds", *outcome)
            rows = place("numnet_predicted_rows", version)
        series = _Series(
            place("numnet_requests", *labels, str(status)),
            place(duration, *labels, "sum"),
            [place(duration, *labels, str(bound)) for bound in (*BUCKET_BOUNDS, "+Inf")],
            predictions,
            prediction_seconds,
            rows,
        )
        self._series[method, route, status, version, failed] = series
        return series


def totals(counters: SharedCounters) -> Mapping[str, Mapping[Labels, float]]:
    """Return the sums over all slots, by family and label values.

    A histogram has one more label value: a bucket's upper bound, or `sum`. Its buckets are not
    cumulative.
    """
    found: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in FAMILIES}
    for reading in counters.readings():
        for name, number in reading.numbers.items():
            family, *labels = orjson.loads(name)
            if FAMILIES[family].kind != "gauge" or reading.process:
                found[family][tuple(labels)] += number
    return found


def _series_name(family: str, *labels: str) -> str:
    return orjson.dumps([family, *labels]).decode()
