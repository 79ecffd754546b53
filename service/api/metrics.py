"""`GET /metrics`: the counts of all server processes, and the states of models, jobs and memory."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import accumulate

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from config import VERSION
from registry import StorageError
from service.model.loaded_version import LoadedVersion
from service.model.model_cache import ModelCache
from service.model.stored_states import StoredState
from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.telemetry.meter import Labels, totals
from service.telemetry.metric_families import BUCKET_BOUNDS, FAMILIES, Family
from service.telemetry.model_labels import MOST_MODELS, own_label
from service.telemetry.process_memory import proportional_bytes, resident_bytes
from service.telemetry.shared_counters import SharedCounters
from service.telemetry.telemetry import Telemetry
from service.web.responses import compress
from trainer.jobs import Jobs, JobsUnavailable

log = logging.getLogger(__name__)

blueprint = Blueprint("metrics", __name__)

_TEXT = {"type": "string"}


class Metrics(Collector):
    """All metrics of one application."""

    def __init__(self, telemetry: Telemetry, models: ModelCache, jobs: Jobs) -> None:
        self._telemetry = telemetry
        self._models = models
        self._jobs = jobs

    def collect(self) -> Iterator[Metric]:
        """Yield each family with its series. A source that fails leaves the others."""
        sources: dict[str, Callable[[], Iterator[Metric]]] = {
            "model": self._model,  # before the counters: it may load a version, which is counted
            "counters": self._counted,
            "jobs": self._job_states,
            "processes": lambda: _processes(self._telemetry.counters),
        }
        up = GaugeMetricFamily(
            "numnet_metrics_up", "Whether a source of metrics can be read.", labels=["source"]
        )
        families: list[Metric] = []
        for name, read in sources.items():
            try:
                families += read()
            except Exception:  # of any kind: the other metrics are needed all the more
                log.exception("metrics of %s cannot be read", name)
                up.add_metric([name], 0)
            else:
                up.add_metric([name], 1)
        yield InfoMetricFamily("numnet_build", "Version of the service.", {"version": VERSION})
        yield from families
        yield up

    def _counted(self) -> Iterator[Metric]:
        counted = totals(self._telemetry.counters)
        for name, family in FAMILIES.items():
            yield _counted(name, family, counted[name])

    def _model(self) -> Iterator[Metric]:
        """Yield the states of models that have series of their own. Count all models."""
        default = self._models.default
        states = {default.name: _state(default.current_version.current())}
        try:
            names = self._models.names()
        except StorageError as error:
            log.warning("the models cannot be listed: %s", error)
        else:
            yield _gauge("numnet_models", "Number of models.", len(names))
            if len(names) <= MOST_MODELS:
                for name in names:
                    self._telemetry.meter.start_model(name)
            own = self._telemetry.counters.labels.models()
            states |= self._models.stored.read(name for name in names[1:] if name in own)
        yield from _states({own_label(name): state for name, state in states.items()})

    def _job_states(self) -> Iterator[Metric]:
        reported_at = None
        try:
            counts = self._jobs.counts()
            reported_at = self._jobs.last_report()
        except JobsUnavailable as error:
            log.warning("jobs cannot be counted: %s", error)
            counts = None
        up = counts is not None
        yield _gauge("numnet_jobs_database_up", "Whether the jobs database is available.", up)
        family = GaugeMetricFamily("numnet_jobs", "Retraining jobs by state.", labels=["state"])
        for state, count in (counts or {}).items():
            family.add_metric([state], count)
        yield family
        silence = 0.0 if reported_at is None else max(0.0, time.time() - reported_at)
        yield _gauge(
            "numnet_job_silence_seconds",
            "Longest time since the trainer reported on a running job; 0 if none is running.",
            silence,
        )


@blueprint.get("/metrics")
@operation(
    {
        200: ResponseSpec(
            "The metrics.",
            _TEXT,
            CONTENT_TYPE_PLAIN_0_0_4,
            others={openmetrics.CONTENT_TYPE_LATEST: _TEXT},
        )
    }
)
def page() -> Response:
    """Return the metrics of all server processes in Prometheus's text format or OpenMetrics."""
    ours = services()
    registry = CollectorRegistry()
    registry.register(Metrics(ours.telemetry, ours.models, ours.jobs))
    if "application/openmetrics-text" in request.headers.get("Accept", ""):
        body = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]
        return compress(Response(body, content_type=openmetrics.CONTENT_TYPE_LATEST))
    return compress(Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4))


def _counted(name: str, family: Family, series: Mapping[Labels, float]) -> Metric:
    """Return a family that the server processes count."""
    if family.kind == "histogram":
        return _histogram(name, family, series)
    kind = GaugeMetricFamily if family.kind == "gauge" else CounterMetricFamily
    metric = kind(name, family.help, labels=family.labels)
    for labels, number in sorted(series.items()):
        metric.add_metric(labels, number)
    return metric


def _histogram(name: str, family: Family, series: Mapping[Labels, float]) -> Metric:
    metric = HistogramMetricFamily(name, family.help, labels=family.labels)
    bounds = [*map(str, BUCKET_BOUNDS), "+Inf"]
    for labels in sorted({labels[:-1] for labels in series}):
        counts = accumulate(series.get((*labels, bound), 0.0) for bound in bounds)
        buckets = list(zip(bounds, counts, strict=True))
        metric.add_metric(labels, buckets, series.get((*labels, "sum"), 0.0))
    return metric


def _state(version: LoadedVersion | None) -> StoredState | None:
    """Return the state of the default model, of which a version is in memory."""
    if version is None:
        return None
    promoted_at = version.promotion.at if version.promotion else None
    return StoredState(int(version.number), promoted_at, version.card.get("created_at"))


def _states(states: Mapping[str, StoredState | None]) -> Iterator[Metric]:
    """Yield the families about models, by their labels."""

    def family(name: str, description: str, values: Mapping[str, float | None]) -> Metric:
        metric = GaugeMetricFamily(name, description, labels=["model"])
        for label, value in values.items():
            if value is not None:
                metric.add_metric([label], value)
        return metric

    usable = {label: state for label, state in states.items() if state}
    created = {label: _timestamp(state.created_at) for label, state in usable.items()}
    now = time.time()
    yield family(
        "numnet_model_loaded",
        "Whether there is a current version that can be used.",
        {label: state is not None for label, state in states.items()},
    )
    yield family(
        "numnet_model_version",
        "Number of the current version.",
        {label: state.version for label, state in usable.items()},
    )
    yield family(
        "numnet_model_promoted_timestamp_seconds",
        "Time when the current version was promoted.",
        {label: _timestamp(state.promoted_at) for label, state in usable.items()},
    )
    yield family(
        "numnet_model_created_timestamp_seconds",
        "Time when the current version was trained.",
        created,
    )
    yield family(
        "numnet_model_age_seconds",
        "Time since it was trained.",
        {label: None if at is None else now - at for label, at in created.items()},
    )


def _processes(counters: SharedCounters) -> Iterator[Metric]:
    processes = {
        f"worker-{each.slot}": each.process for each in counters.readings() if each.process
    }
    yield _gauge("numnet_workers", "Server processes that are running.", len(processes))
    if counters.master_process:
        processes["master"] = counters.master_process
    resident = GaugeMetricFamily(
        "numnet_process_resident_memory_bytes",
        "Memory of a process, including what it shares with others.",
        labels=["process"],
    )
    proportional = 0
    for name, process in processes.items():
        with suppress(OSError):  # it has just ended, or there is no /proc
            resident.add_metric([name], resident_bytes(process))
            proportional += proportional_bytes(process)
    if proportional:
        yield _gauge(
            "numnet_memory_bytes",
            "Memory of all processes; shared memory is counted once.",
            proportional,
        )
    yield resident


def _gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(name, description, value=value)


def _timestamp(text: object) -> float | None:
    """Return the seconds since 1970 of an ISO 8601 date; None if it is not one."""
    with suppress(TypeError, ValueError, OverflowError, OSError):
        return datetime.fromisoformat(str(text)).timestamp()
    return None
