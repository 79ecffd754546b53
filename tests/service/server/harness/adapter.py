"""Start the server under test; the only file of these tests that knows the server's modules."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import service.__main__ as service
from config import Settings
from service.protocols.error_formats import error_document
from service.server.application import ServedApplication
from service.telemetry.meter import totals
from service.telemetry.request_context import RequestContext
from service.telemetry.shared_counters import SharedCounters
from service.telemetry.telemetry import Telemetry
from service.web.security_headers import SECURITY_FIELDS
from tests.service.server.harness.application import Application
from tests.service.server.harness.configuration import Configuration

_SETTINGS = (
    "workers",
    "threads",
    "max_waiting",
    "deadline_seconds",
    "max_body_bytes",
    "forwarded_allow_ips",
)
CHECK_SECONDS = 0.05  # time limits of less than a second are tested


def serve(folder: Path, configuration: Configuration) -> None:
    """Run the server on a free port of the loopback interface until it is stopped."""
    given = {name: getattr(configuration, name) for name in _SETTINGS}
    settings = Settings(port=0, **given)
    limits = {name: value for name, value in asdict(configuration.limits).items() if value}
    service.run(
        settings,
        replace(service.limits_of(settings), check_seconds=CHECK_SECONDS, **limits),
        lambda settings, telemetry: _served(folder, settings, telemetry),
    )


def _served(folder: Path, settings: Settings, telemetry: Telemetry) -> ServedApplication:
    application = Application(
        folder, settings.max_body_bytes, lambda: _counters(telemetry.counters)
    )

    def fast_path(
        context: RequestContext, query: bytes, fields: Mapping[bytes, bytes], body: bytes
    ) -> tuple[bytes, bytes] | None:
        environ = {"PATH_INFO": context.path, "REQUEST_METHOD": context.method, "QUERY_STRING": ""}
        return application.at_once(environ, body)

    return ServedApplication(
        wsgi=application,
        meter=telemetry.meter,
        access_log=telemetry.access_log,
        fast_path=fast_path,
        fast_path_ending=b"/at-once",
        group_of=lambda path, headers: dict(headers).get(b"x-group", b"").decode(),
        is_quick=application.quick_paths.__contains__,
        spared_paths=application.spared_paths,
        readiness_paths=application.readiness_paths,
        error_document=error_document,
        error_headers=SECURITY_FIELDS,
        trusted_proxies=settings.forwarded_allow_ips,
    )


def _counters(counters: SharedCounters) -> dict[str, float]:
    """Return the number of requests in flight, and of refused requests by reason."""
    found = totals(counters)
    refused = found["numnet_requests_refused"].items()
    in_flight = found["numnet_requests_in_flight"].get((), 0.0)
    return {reason: number for (reason,), number in refused} | {"in_flight": in_flight}
