"""Who may change things: whoever has the admin token."""

import hmac
import logging
import secrets
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, request

from config import Settings
from registry import durable_file
from service.telemetry.request_context import RequestContext
from service.web.errors import AdminUnavailable, Forbidden, Unauthorized

log = logging.getLogger(__name__)

FILE = "admin-token"
_EXTENSION = "numnet.admin_token"

P = ParamSpec("P")
R = TypeVar("R")


class AdminToken:
    """The token that admin requests carry.

    It is the one that is set, or else the one in the state folder, which is made where it is
    missing, and shown that once if stderr is a terminal.
    """

    def __init__(self, settings: Settings) -> None:
        self._token = settings.admin_token
        self._path = settings.state / FILE

    def get(self) -> str:
        """The token; empty where it can neither be read nor made."""
        if not self._token:
            try:
                if not self._path.exists():
                    _make(self._path)
                self._token = self._path.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                log.error("no admin token in %s: %s", self._path, error)
        return self._token


def register(app: Flask, settings: Settings) -> None:
    """Have `admin_only` endpoints of an application check for the token of the settings."""
    app.extensions[_EXTENSION] = AdminToken(settings)


def admin_only(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Let nobody in without the token."""

    @wraps(endpoint)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _check(request.headers.get("Authorization"))
        return endpoint(*args, **kwargs)

    vars(guarded)["admin_only"] = True  # for the OpenAPI document
    return guarded


def is_admin_only(endpoint: Callable[..., object]) -> bool:
    """Whether it lets nobody in without the token."""
    return "admin_only" in vars(endpoint)


def _make(path: Path) -> None:
    """Of several processes one makes it; the others find it whole."""
    token = secrets.token_urlsafe(32)
    try:
        with durable_file.create(path, 0o600) as file:
            file.write(f"{token}\n".encode())
    except FileExistsError:
        return
    # to somebody who looks on: where nobody does, it would stay in a log
    shown = f" and shown this once: {token}" if sys.stderr.isatty() else ""
    print(f"The admin token is kept in {path}{shown}", file=sys.stderr)


def _check(authorization: str | None) -> None:
    token: str = current_app.extensions[_EXTENSION].get()
    if not token:
        raise AdminUnavailable(
            "there is no admin token: set NUMNET_ADMIN_TOKEN, or a NUMNET_STATE that can be written"
        )
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        _log_refusal("no token")
        raise Unauthorized("this needs the admin token: Authorization: Bearer TOKEN")
    if not hmac.compare_digest(given.strip().encode(), token.encode()):
        _log_refusal("wrong token")
        raise Forbidden("the admin token is wrong")


def _log_refusal(reason: str) -> None:
    log.warning(
        "admin request refused: %s",
        reason,
        extra={
            "request_id": RequestContext.from_environ(request.environ).request_id,
            "method": request.method,
            "path": request.path,
            "client": request.remote_addr,
        },
    )
