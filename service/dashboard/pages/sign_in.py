"""Signing in: the token is asked for once, and then kept in a cookie that no script can read."""

import re

from flask import Response, current_app, render_template, request
from werkzeug.exceptions import HTTPException

from service.dashboard.blueprint import blueprint
from service.dashboard.policy import page_response
from service.web.errors import Forbidden, TooManyWrongTokens
from service.web.responses import reference_to
from service.web.tokens.authorization import authorization_of, open_to_all
from service.web.tokens.cookie import delete_cookie, set_cookie
from service.web.tokens.same_origin import check_same_origin

_PRINTABLE = re.compile(r"[!-~]*")
PAGE_ENDPOINTS = ("dashboard.", "docs.page")


@blueprint.get("/sign-in")
@open_to_all
def sign_in() -> Response:
    """Ask for a token."""
    return _form()


@blueprint.post("/sign-in")
@open_to_all
def enter() -> Response:
    """Keep a token in a cookie, and go on to the page that asked for it.

    Only this service's own form may do so: another site could sign its visitors in with a token of
    its own, and see what they do (login CSRF).
    """
    check_same_origin()
    token = request.form.get("token", "").strip()
    try:
        authorization_of(current_app).check_token(token)
    except Forbidden as error:
        return _form(str(error), 403)
    except TooManyWrongTokens as error:
        response = _form(str(error), 429)
        response.headers["Retry-After"] = str(int(error.wait_seconds) + 1)
        return response
    response = Response(status=303, headers={"Location": _next_page()})
    set_cookie(response, token)
    return response


@blueprint.post("/sign-out")
@open_to_all
def sign_out() -> Response:
    """Delete the cookie."""
    check_same_origin()
    response = Response(status=303, headers={"Location": reference_to("/")})
    delete_cookie(response)
    return response


def _form(problem: str = "", status: int = 200) -> Response:
    next_page = request.values.get("next", "/")
    text = render_template("sign_in.html", models=[], problem=problem, next=next_page)
    return page_response(text, status)


def _next_page() -> str:
    """Return a reference to the page to go on to: one of this service, whatever the form says."""
    target = request.form.get("next", "")
    path, _, query = target.partition("?")
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, "GET")
    except HTTPException:
        return reference_to("/")
    is_page = endpoint.startswith(PAGE_ENDPOINTS) and endpoint != "dashboard.static"
    if not is_page or path.startswith("//") or not _PRINTABLE.fullmatch(target):
        return reference_to("/")
    return reference_to(path) + (f"?{query}" if query else "")
