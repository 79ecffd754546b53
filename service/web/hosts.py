"""Checks that the Host header names this service, against DNS rebinding (RFC 9110, 15.5.20)."""

from collections.abc import Iterable

from flask import Flask, request

from service.web.errors import Misdirected

PROBES = frozenset(
    {
        "/livez",
        "/readyz",
        "/ping",
        "/v2/health/live",
        "/v2/health/ready",
        "/metrics",
    }
)  # orchestrators and Prometheus request these by IP address


def register(app: Flask, hosts: Iterable[str]) -> None:
    """Refuse requests for other hosts than these, except probes. Without hosts, allow all."""
    allowed = frozenset(hosts)

    def check_host() -> None:
        host = request.host
        name = host.rpartition(":")[0] if _has_port(host) else host
        if name.lower() not in allowed and request.path not in PROBES:
            raise Misdirected(f"the Host header names {name}, which is not this service")

    if allowed:
        app.before_request(check_host)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdecimal() and not host.endswith("]")
