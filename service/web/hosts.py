"""Checks that the Host header names this service, against DNS rebinding (RFC 9110, 15.5.20)."""

import re
from collections.abc import Iterable

from flask import Flask, request

from service.web.errors import Misdirected

_PORT = re.compile(r":[0-9]*\Z")  # it may be empty (RFC 3986, 3.2.3)
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
        host = request.headers.get("Host", request.host)
        name = _PORT.sub("", host)
        if name.lower() not in allowed and request.path not in PROBES:
            found = name or "no host"
            raise Misdirected(f"the Host header names {found}, which is not this service")

    if allowed:
        app.before_request(check_host)
