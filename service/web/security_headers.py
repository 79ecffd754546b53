"""What browsers are told, and asked: security headers, which origins may read, which hosts we are.

Sources: OWASP, REST Security Cheat Sheet (headers); the Fetch standard (CORS); RFC 9110, 15.5.20.
"""

from flask import Flask, Response, request

from config import Settings
from service.web.errors import Misdirected

SECURITY_HEADERS = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
]
SECURITY_LINES = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS)
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, Inference-Header-Content-Length, "
    "Last-Event-ID, X-Request-ID"
)
EXPOSED_HEADERS = (
    "Inference-Header-Content-Length, Location, Retry-After, X-Extrapolating-Rows, "
    "X-Model-Version, X-Request-ID"
)
PROBES = (
    "/livez",
    "/readyz",
    "/ping",
    "/v2/health/live",
    "/v2/health/ready",
    "/metrics",
)  # asked by address, not by name


def register(app: Flask, settings: Settings) -> None:
    """Have every answer carry the headers, and every request looked at."""
    origins, hosts = frozenset(settings.cors_origins), frozenset(settings.hosts)

    def check_host() -> None:
        name = request.host.rpartition(":")[0] if _has_port(request.host) else request.host
        if name.lower() not in hosts and request.path not in PROBES:
            raise Misdirected(f"this service is not {name}")

    def add_headers(response: Response) -> Response:
        for name, value in SECURITY_HEADERS:
            response.headers.setdefault(name, value)
        if origins:
            response.vary.add("Origin")
        if (origin := request.headers.get("Origin")) in origins and origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            if request.method == "OPTIONS" and "Allow" in response.headers:
                response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
                response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
                response.headers["Access-Control-Max-Age"] = "600"
        return response

    if hosts:
        app.before_request(check_host)
    app.after_request(add_headers)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdecimal() and not host.endswith("]")
