"""Start the server under test; the only file of these tests that knows the server's modules."""

import os
from pathlib import Path

import service.__main__ as service
from service.server import connection, worker
from service.telemetry.meter import totals
from service.telemetry.shared_counters import SharedCounters
from tests.service.server.harness.application import Application
from tests.service.server.harness.configuration import Configuration

_LIMITS = {
    "head_seconds": (connection, "HEAD_SECONDS"),
    "body_seconds": (connection, "BODY_SECONDS"),
    "min_bytes_per_second": (connection, "LEAST_BYTES_PER_SECOND"),
    "idle_seconds": (connection, "IDLE_SECONDS"),
    "linger_seconds": (connection, "LINGER_SECONDS"),
    "stop_idle_seconds": (worker, "STOP_SECONDS"),
    "max_connections": (worker, "MOST_CONNECTIONS"),
    "buffered_bodies": (worker, "_BODIES_IN_MEMORY"),
}


def serve(folder: Path, configuration: Configuration) -> None:
    """Run the server on a free port of the loopback interface until it is stopped."""
    limits = configuration.limits
    for name, (module, constant) in _LIMITS.items():
        if (value := getattr(limits, name)) is not None:
            setattr(module, constant, value)
    worker.TICK_SECONDS = 0.05  # time limits of less than a second are tested
    options = service.gunicorn_options
    graceful = {"graceful_timeout": limits.graceful_seconds} if limits.graceful_seconds else {}
    vars(service).update(
        gunicorn_options=lambda settings: options(settings) | graceful,
        create_app=lambda settings, telemetry: Application(
            folder, settings.max_body_bytes, lambda: _counters(telemetry.counters)
        ),
    )
    for name in ("workers", "threads", "max_waiting", "deadline_seconds", "max_body_bytes"):
        os.environ[f"NUMNET_{name.upper()}"] = str(getattr(configuration, name))
    os.environ |= {"NUMNET_PORT": "0", "NUMNET_ADMIN_TOKEN": "token"}
    service.main()


def _counters(counters: SharedCounters) -> dict[str, float]:
    """Return the number of requests in flight, and of refused requests by reason."""
    found = totals(counters)
    refused = found["numnet_requests_refused"].items()
    in_flight = found["numnet_requests_in_flight"].get((), 0.0)
    return {reason: number for (reason,), number in refused} | {"in_flight": in_flight}
