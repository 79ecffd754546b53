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
from service.telemetry.model_labels import ModelLabels
from service.telemetry.request_context import RequestContext
from service.telemetry.shared_counters import SharedCounters, Slot

Labels = tuple[str, ...]

_KINDS_KEPT = 10_000


class _Kind(NamedTuple):
    """What requests have in common that increment the same numbers."""

    method: str
    route: str | None
    status: int
    model: str | None
    version: str | None
    failed: bool


class _Series(NamedTuple):
    """Places in the slot of the counters that one kind of request increments.

    `model` is the value of that label.
    """

    model: str
    requests: int
    seconds: int
    buckets: list[int]
    predictions: int
    prediction_seconds: int
    rows: int


class Meter:
    """Counts what one server process does. Safe to share between threads."""

    def __init__(self, slot: Slot, labels: ModelLabels) -> None:
        self._slot = slot
        self._labels = labels
        self._started: set[str] = set()  # labels of models
        self._series: dict[tuple[object, ...], _Series] = {}
        self._features: dict[tuple[str, str, str], int] = {}
        self._in_flight = slot.place(_series_name("numnet_requests_in_flight"))
        self._in_memory = slot.place(_series_name("numnet_models_in_memory_bytes"))
        self.set_in_flight(0)  # the slot's previous process may have left another number
        self.set_models_in_memory(0)
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
        key = (method, context.route, status, context.model, version, rows is None)
        series = self._series.get(key) or self._find_series(_Kind(*key))
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
            self._count_features("numnet_out_of_range_values", series.model, context.out_of_range)
        if context.unfamiliar:
            self._add("numnet_unfamiliar_rows", series.model, amount=context.unfamiliar)
        if context.unseen:
            self._count_features("numnet_unseen_categories", series.model, context.unseen)

    def set_in_flight(self, requests: int) -> None:
        """Set the number of requests that this process is answering."""
        self._slot.numbers[self._in_flight] = requests

    def set_models_in_memory(self, size_bytes: int) -> None:
        """Set how much memory the models besides the default take in this process."""
        self._slot.numbers[self._in_memory] = size_bytes

    def count_refusal(self, reason: str) -> None:
        """Count a request that the server rejected; `reason` is one of `REFUSAL_REASONS`."""
        self._add("numnet_requests_refused", reason)

    def start_model(self, model: str) -> str:
        """Start the series of a model. Return its label: its name, or `other` for the 101st."""
        label = self._labels.label(model)
        if label not in self._started:
            self._started.add(label)
            for name, family in FAMILIES.items():
                if family.labels == ("model",):
                    self._add(name, label, amount=0.0)
        return label

    def count_model_load(self, model: str) -> None:
        """Count a version that became a model's current version in this process."""
        self._add("numnet_model_loads", self.start_model(model))

    def count_model_refusal(self, model: str) -> None:
        """Count a promotion of a model that this process refused."""
        self._add("numnet_model_refusals", self.start_model(model))

    def count_process_start(self) -> None:
        """Count the start of this process."""
        self._add("numnet_worker_starts")

    def _count_features(self, family: str, model: str, counts: Mapping[str, int]) -> None:
        if model == OTHER:  # there is no bound to the features of all other models
            counts = {OTHER: sum(counts.values())}
        places = [self._feature_place(family, model, feature) for feature in counts]
        with self._slot.lock:
            for place, count in zip(places, counts.values(), strict=True):
                self._slot.numbers[place] += count

    def _feature_place(self, family: str, model: str, feature: str) -> int:
        place = self._features.get((family, model, feature))
        if place is None:
            place = self._slot.place(_series_name(family, model, feature))
            self._features[family, model, feature] = place
        return place

    def _add(self, family: str, *labels: str, amount: float = 1.0) -> None:
        place = self._slot.place(_series_name(family, *labels))
        with self._slot.lock:
            self._slot.numbers[place] += amount

    def _find_series(self, kind: _Kind) -> _Series:
        def place(family: str, *labels: str) -> int:
            return self._slot.place(_series_name(family, *labels))

        model = "" if kind.model is None else self.start_model(kind.model)
        labels = (kind.method, kind.route or OTHER, dialect(kind.route), model)
        duration = "numnet_request_duration_seconds"
        predictions = prediction_seconds = rows = 0
        if kind.version is not None:
            of_version = (model, OTHER if model == OTHER else kind.version)
            outcome = "fail" if kind.failed or kind.status >= 400 else "success"
            predictions = place("numnet_predictions", *of_version, outcome)
            prediction_seconds = place("numnet_prediction_seconds", *of_version, outcome)
            rows = place("numnet_predicted_rows", *of_version)
        series = _Series(
            model,
            place("numnet_requests", *labels, str(kind.status)),
            place(duration, *labels, "sum"),
            [place(duration, *labels, str(bound)) for bound in (*BUCKET_BOUNDS, "+Inf")],
            predictions,
            prediction_seconds,
            rows,
        )
        if len(self._series) >= _KINDS_KEPT:  # of models and versions long gone
            self._series.clear()
        self._series[kind] = series
        return series


def totals(counters: SharedCounters) -> Mapping[str, Mapping[Labels, float]]:
    """Return the sums over all slots, by family and label values.

    A histogram has one more label value: a bucket's upper bound, or `sum`. Its buckets are not
    cumulative.
    """
    of_running, of_ended = defaultdict[str, float](float), defaultdict[str, float](float)
    for reading in counters.readings():  # parse each name once, not once per slot
        numbers = of_running if reading.process else of_ended
        for name, number in reading.numbers.items():
            numbers[name] += number
    found: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in FAMILIES}
    for numbers in (of_running, of_ended):
        for name, number in numbers.items():
            family, *labels = orjson.loads(name)
            if FAMILIES[family].kind != "gauge" or numbers is of_running:
                found[family][tuple(labels)] += number
    return found


def _series_name(family: str, *labels: str) -> str:
    return orjson.dumps([family, *labels]).decode()
