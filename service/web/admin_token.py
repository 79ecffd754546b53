"""The admin token, which endpoints that change something require."""

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
    """The token that admin requests must have.

    It is the one in the settings, or else the one in the state folder. That one is created if it
    is missing, and printed once if stderr is a terminal.
    """

    def __init__(self, settings: Settings) -> None:
        self._token = settings.admin_token
        self._path = settings.state / FILE

    def get(self) -> str:
        """Return the token; an empty string if it can be neither read nor created."""
        if not self._token:
            try:
                if not self._path.exists():
                    _create(self._path)
                self._token = self._path.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                log.error("no admin token in %s: %s", self._path, error)
        return self._token


def register(app: Flask, settings: Settings) -> None:
    """Let the `admin_only` endpoints of an application require the token of these settings."""
    app.extensions[_EXTENSION] = AdminToken(settings)


def admin_only(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Refuse requests without the admin token."""

    @wraps(endpoint)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _check(request.headers.get("Authorization"))
        return endpoint(*args, **kwargs)

    vars(guarded)["admin_only"] = True  # for the OpenAPI document
    return guarded


def is_admin_only(endpoint: Callable[..., object]) -> bool:
    """Return whether an endpoint requires the admin token."""
    return "admin_only" in vars(endpoint)


def _create(path: Path) -> None:
    """Create the token's file, unless another process was faster."""
    token = secrets.token_urlsafe(32)
    try:
        with durable_file.create(path, 0o600) as file:
            file.write(f"{token}\n".encode())
    except FileExistsError:
        return
    # Print the token only to a person: anything else would keep it in a log.
    printed = f" and printed only this once: {token}" if sys.stderr.isatty() else ""
    print(f"The admin token is stored in {path}{printed}", file=sys.stderr)


def _check(authorization: str | None) -> None:
    token: str = current_app.extensions[_EXTENSION].get()
    if not token:
        raise AdminUnavailable(
            "this service has no admin token: set NUMNET_ADMIN_TOKEN, or make the folder "
            "NUMNET_STATE writable"
        )
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        _log_refusal("no token")
        raise Unauthorized("the admin token is missing; expected Authorization: Bearer TOKEN")
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
