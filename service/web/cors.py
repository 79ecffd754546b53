"""Cross-origin resource sharing: which web pages may read responses. Source: the Fetch standard."""

from collections.abc import Iterable

from flask import Flask, Response, request

ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, Inference-Header-Content-Length, "
    "Last-Event-ID, X-Model, X-Request-ID"
)
EXPOSED_HEADERS = (
    "Inference-Header-Content-Length, Location, Retry-After, X-Extrapolating-Rows, "
    "X-Model-Version, X-Request-ID"
)


def register(app: Flask, origins: Iterable[str]) -> None:
    """Allow pages of these origins to read responses; of no others."""
    allowed = frozenset(origins)

    def add_headers(response: Response) -> Response:
        response.vary.add("Origin")
        if request.headers.get("Origin") in allowed:
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            if request.method == "OPTIONS" and "Allow" in response.headers:
                response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"]
                response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
                response.headers["Access-Control-Max-Age"] = "600"
        return response

    if allowed:
        app.after_request(add_headers)
