"""Responses with pages, and their Content Security Policy."""

from flask import Response

from service.web.responses import compress

HTML = "text/html; charset=utf-8"
# No inline scripts or styles. `data:` allows the icons in Pico's style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page_response(text: str, status: int = 200) -> Response:
    """Return a page, compressed if the browser prefers that."""
    response = Response(text, status, content_type=HTML)
    response.headers["Content-Security-Policy"] = POLICY
    # `no-referrer` would make browsers send `Origin: null` with forms (the Fetch standard).
    response.headers["Referrer-Policy"] = "same-origin"
    response.vary.update(["Accept", "Accept-Encoding", "Cookie"])
    return compress(response)
