"""What the service counts: every request in one place, once it is answered.

A worker counts in its own slot of the `Tally`, and whoever is asked adds the slots up. Where a
kind of request is counted is looked up once and kept: a prediction takes 100 µs in all.
"""

import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from wsgiref.types import WSGIEnvironment

import numpy as np
import orjson
from numpy.typing import NDArray

from service.telemetry import request_context
from service.telemetry.shared_counters import Slot, Tally

BOUNDS = (*(k * 10.0**n for n in (-4, -3, -2, -1, 0) for k in (1.0, 2.5, 5.0)), 10.0)  # s
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "other"  # whatever a caller makes up, so that callers cannot add series
REASONS = ("deadline", "malformed", "overloaded", "slow")
_DIALECTS = {"v1": "tf-serving", "v2": "v2"} | dict.fromkeys(
    ("invocations", "ping", "health", "version"), "mlflow"
)
_OUTSIDE, _COUNTED = "numnet.outside", "numnet.counted"


@dataclass(frozen=True)
class Family:
    """Series of one name.

    Attributes
    ----------
    kind : counter, gauge or histogram; of a gauge, what workers have that live is added up
    help : what it counts
    labels : their names, in order
    """

    kind: str
    help: str
    labels: tuple[str, ...] = ()


_ROUTE = ("method", "route", "dialect")
FAMILIES = {
    "numnet_requests": Family("counter", "Requests answered.", (*_ROUTE, "status")),
    "numnet_request_duration_seconds": Family(
        "histogram", "From when a request is there to when its answer is given away.", _ROUTE
    ),
    "numnet_requests_refused": Family(
        "counter", "Requests turned away: too many, too slow or malformed.", ("reason",)
    ),
    "numnet_requests_in_flight": Family(
        "gauge", "Requests that threads have, or that wait for one."
    ),
    "numnet_predictions": Family(
        "counter", "Requests for predictions, by the version asked.", ("version", "outcome")
    ),
    "numnet_prediction_seconds": Family("counter", "What they took.", ("version", "outcome")),
    "numnet_predicted_rows": Family("counter", "Rows predicted.", ("version",)),
    "numnet_out_of_range_values": Family(
        "counter", "Values outside the range seen in training.", ("feature",)
    ),
    "numnet_model_loads": Family(
        "counter", "Versions that a worker loaded to serve them; each worker counts its own."
    ),
    "numnet_model_refusals": Family(
        "counter", "Promotions that a worker refused, or could not read; each counts its own."
    ),
    "numnet_worker_starts": Family("counter", "Workers started."),
}

Labels = tuple[str, ...]


class _Series(NamedTuple):
    """Where a request is counted."""

    requests: int
    seconds: int
    buckets: list[int]
    predictions: int
    prediction_seconds: int
    rows: int


class Meter:
    """Counts what one worker does. Safe to share between threads."""

    def __init__(self, slot: Slot) -> None:
        self.count_in(slot)

    def count_in(self, slot: Slot) -> None:
        """Go on in another slot; whoever had it left gauges that are no longer true."""
        self._slot = slot
        self._series: dict[tuple[str, str | None, int, str | None, bool], _Series] = {}
        self._features: dict[str, int] = {}
        self._in_flight = slot.place(_name("numnet_requests_in_flight"))
        self.in_flight(0)
        for reason in REASONS:  # a rate needs the 0 before the 1
            self._add("numnet_requests_refused", reason, amount=0.0)
        for name, family in FAMILIES.items():
            if not family.labels:
                self._add(name, amount=0.0)

    def observe(self, environ: WSGIEnvironment, status: int, seconds: float) -> None:
        """Count a request that is answered, with what was noted of it; the first time it is told.

        (One that took too long is answered in its thread's stead, and again by it, unheard.)
        """
        counted = object()
        if environ.setdefault(_COUNTED, counted) is not counted:  # in one step: there are threads
            return
        notes = request_context.notes(environ)
        version, rows = notes.get("version"), notes.get("rows")
        method = environ.get("REQUEST_METHOD", OTHER)
        if method not in METHODS:
            method = OTHER
        key = (method, notes.get("route"), status, version, rows is None)
        series = self._series.get(key) or self._find(*key)
        slot = self._slot
        numbers = slot.numbers
        with slot.lock:
            numbers[series.requests] += 1
            numbers[series.seconds] += seconds
            numbers[series.buckets[bisect_left(BOUNDS, seconds)]] += 1
            if version is not None:
                numbers[series.predictions] += 1
                numbers[series.prediction_seconds] += seconds
                if rows is not None:
                    numbers[series.rows] += rows
        if outside := environ.get(_OUTSIDE):
            places = [self._feature_place(feature) for feature in outside]
            with slot.lock:
                for place, count in zip(places, outside.values(), strict=True):
                    numbers[place] += count

    def in_flight(self, requests: int) -> None:
        """Say how many requests this worker is answering."""
        self._slot.numbers[self._in_flight] = requests

    def refused(self, reason: str) -> None:
        """Count a request that was turned away; `reason` is one of `REASONS`."""
        self._add("numnet_requests_refused", reason)

    def model_loaded(self) -> None:
        """Count a version that is served from now on."""
        self._add("numnet_model_loads")

    def model_refused(self) -> None:
        """Count a promotion that cannot be followed."""
        self._add("numnet_model_refusals")

    def worker_started(self) -> None:
        """Count this worker."""
        self._add("numnet_worker_starts")

    def _feature_place(self, feature: str) -> int:
        place = self._features.get(feature)
        if place is None:
            place = self._slot.place(_name("numnet_out_of_range_values", feature))
            self._features[feature] = place
        return place

    def _add(self, family: str, *labels: str, amount: float = 1.0) -> None:
        place = self._slot.place(_name(family, *labels))
        with self._slot.lock:
            self._slot.numbers[place] += amount

    def _find(
        self, method: str, route: str | None, status: int, version: str | None, unanswered: bool
    ) -> _Series:
        def place(family: str, *labels: str) -> int:
            return self._slot.place(_name(family, *labels))

        where = (method, route or OTHER, _dialect(route))
        latency = "numnet_request_duration_seconds"
        predictions = prediction_seconds = rows = 0
        if version is not None:
            asked = (version, "fail" if unanswered or status >= 400 else "success")
            predictions = place("numnet_predictions", *asked)
            prediction_seconds = place("numnet_prediction_seconds", *asked)
            rows = place("numnet_predicted_rows", version)
        series = _Series(
            place("numnet_requests", *where, str(status)),
            place(latency, *where, "sum"),
            [place(latency, *where, str(bound)) for bound in (*BOUNDS, "+Inf")],
            predictions,
            prediction_seconds,
            rows,
        )
        self._series[method, route, status, version, unanswered] = series
        return series


def note_rows(
    environ: WSGIEnvironment, features: tuple[str, ...], outside: NDArray[np.bool_]
) -> None:
    """Have a request's rows logged and counted, and for each feature how many are out of its range.

    Parameters
    ----------
    outside : (N, features)
    """
    request_context.note(environ, rows=len(outside))
    if len(cells := np.flatnonzero(outside)):
        counts = np.bincount(cells % len(features), minlength=len(features)).tolist()
        environ[_OUTSIDE] = dict(zip(features, counts, strict=True))


def note_row(environ: WSGIEnvironment, outside: list[str], **notes: Any) -> None:
    """The same for one row, and the features that are; with what else is to be noted."""
    request_context.note(environ, rows=1, **notes)
    if outside:
        environ[_OUTSIDE] = dict.fromkeys(outside, 1)


def totals(tally: Tally) -> Mapping[str, Mapping[Labels, float]]:
    """What all workers counted, by family and labels.

    A histogram has one more label: the bucket's upper bound, or `sum`; its buckets are not added
    up.
    """
    found: dict[str, dict[Labels, float]] = {name: defaultdict(float) for name in FAMILIES}
    for reading in tally.readings():
        for name, number in reading.numbers.items():
            family, *labels = orjson.loads(name)
            if FAMILIES[family].kind != "gauge" or reading.process:
                found[family][tuple(labels)] += number
    return found


def _name(family: str, *labels: str) -> str:
    return orjson.dumps([family, *labels]).decode()


def _dialect(route: str | None) -> str:
    """Whose protocol a route belongs to."""
    return OTHER if route is None else _DIALECTS.get(route.split("/")[1], "native")


tally = Tally()
meter = Meter(tally.take(0, os.getpid()))  # a worker of gunicorn is given its own after the fork
