"""Shows browsers an error as a page; all other clients get problem documents."""

from urllib.parse import urlencode

import orjson
from flask import Flask, Response, g, render_template, request

from service.dashboard.policy import page_response
from service.web.problems import MEDIA_TYPE
from service.web.responses import reference_to

SIGN_IN = "/sign-in"


def register(app: Flask) -> None:
    """Rewrite problem documents for requests that prefer HTML to JSON."""
    app.after_request(_rewrite)


def prefers_page() -> bool:
    """Return whether the request prefers HTML to JSON, as a browser does that opens a page."""
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"]


def _rewrite(response: Response) -> Response:
    if response.mimetype != MEDIA_TYPE or not prefers_page():
        return response
    is_unknown = response.status_code == 401 or "wrong_token" in g
    if is_unknown and request.method in ("GET", "HEAD") and request.path != SIGN_IN:
        page = Response(status=303)
        next_page = urlencode({"next": request.full_path.rstrip("?")})
        page.headers["Location"] = f"{reference_to(SIGN_IN)}?{next_page}"
    else:
        problem = orjson.loads(response.get_data())
        text = render_template("error.html", models=[], problem=problem)
        page = page_response(text, response.status_code)
    for name, value in response.headers:
        if name.lower() not in ("content-type", "content-length"):
            page.headers.setdefault(name, value)
    return page
