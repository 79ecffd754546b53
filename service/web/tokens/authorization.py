"""Which requests need a token: those that change something, and with a read token nearly all."""

import hmac
import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, request

from config import Settings
from service.telemetry.request_context import RequestContext
from service.web.errors import AdminUnavailable, Forbidden, TooManyWrongTokens, Unauthorized
from service.web.tokens.admin_token import AdminToken
from service.web.tokens.wrong_tokens import WrongTokens

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/livez", "/readyz", "/ping"})  # for orchestrators, which have no token
_EXTENSION = "numnet.authorization"

P = ParamSpec("P")
R = TypeVar("R")


class Authorization:
    """The tokens of an application, and the clients that send wrong ones."""

    def __init__(self, settings: Settings) -> None:
        self.admin_token = AdminToken(settings)
        self.read_token = settings.read_token
        self.wrong_tokens = WrongTokens()

    def is_reader(self, client: str, authorization: str) -> bool:
        """Return whether a request may read, as far as that can be told without I/O."""
        if not self.read_token:
            return True
        given = _bearer_token(authorization)
        return _equal(given, self.read_token) and not self.wrong_tokens.wait_seconds(client)

    def check_reader(self) -> None:
        """Refuse a request that has neither the read token nor the admin token.

        Raises
        ------
        Unauthorized, Forbidden, TooManyWrongTokens
        """
        given = self._given("the read token")
        if not _equal(given, self.read_token) and not _equal(given, self.admin_token.get()):
            raise self._wrong("the token is neither the read token nor the admin token")

    def check_admin(self) -> None:
        """Refuse a request that does not have the admin token.

        Raises
        ------
        AdminUnavailable, Unauthorized, Forbidden, TooManyWrongTokens
        """
        token = self.admin_token.get()
        if not token:
            raise AdminUnavailable(
                "this service has no admin token: set NUMNET_ADMIN_TOKEN, or make the folder "
                "NUMNET_STATE writable"
            )
        given = self._given("the admin token")
        if _equal(given, self.read_token):
            raise Forbidden("the read token is not enough; expected the admin token")
        if not _equal(given, token):
            raise self._wrong("the admin token is wrong")

    def is_admin(self) -> bool:
        """Return whether the request has the admin token; a wrong one counts as a guess."""
        given = _bearer_token(request.headers.get("Authorization", ""))
        client = request.remote_addr or ""
        if not given or _equal(given, self.read_token) or self.wrong_tokens.wait_seconds(client):
            return False
        if not _equal(given, self.admin_token.get()):
            self._wrong("the admin token is wrong")
            return False
        return True

    def _given(self, expected: str) -> str:
        """Return the request's token, unless the client has to wait."""
        given = _bearer_token(request.headers.get("Authorization", ""))
        if not given:
            _log_refusal("no token")
            raise Unauthorized(f"{expected} is missing; expected Authorization: Bearer TOKEN")
        if wait := self.wrong_tokens.wait_seconds(request.remote_addr or ""):
            _log_refusal("too many wrong tokens")
            raise TooManyWrongTokens(wait)
        return given

    def _wrong(self, detail: str) -> Forbidden:
        _log_refusal("wrong token")
        self.wrong_tokens.add(request.remote_addr or "")
        return Forbidden(detail)


def register(app: Flask, settings: Settings) -> Authorization:
    """Have an application require the tokens of these settings."""
    app.extensions[_EXTENSION] = authorization = Authorization(settings)

    def check_reader() -> None:
        is_preflight = (  # browsers send these without a token (the Fetch standard)
            request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        )
        if request.path not in OPEN_PATHS and not is_preflight:
            authorization.check_reader()

    if settings.read_token:
        app.before_request(check_reader)
    return authorization


def authorization_of(app: Flask) -> Authorization:
    """Return the tokens of an application."""
    found: Authorization = app.extensions[_EXTENSION]
    return found


def is_admin() -> bool:
    """Return whether the request has the admin token."""
    return authorization_of(current_app).is_admin()


def admin_only(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Refuse requests without the admin token."""

    @wraps(endpoint)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        authorization_of(current_app).check_admin()
        return endpoint(*args, **kwargs)

    vars(guarded)["admin_only"] = True  # for the OpenAPI document
    return guarded


def is_admin_only(endpoint: Callable[..., object]) -> bool:
    """Return whether an endpoint requires the admin token."""
    return "admin_only" in vars(endpoint)


def token_schemes(app: Flask, endpoint: Callable[..., object], path: str) -> list[str]:
    """Return the names of the tokens that an endpoint accepts; none if it needs none."""
    if is_admin_only(endpoint):
        return ["admin"]
    is_open = path in OPEN_PATHS or not authorization_of(app).read_token
    return [] if is_open else ["read", "admin"]


def _bearer_token(authorization: str) -> str:
    """Return the token of an Authorization header; an empty string if it has none."""
    scheme, _, given = authorization.partition(" ")
    return given.strip(" \t") if scheme.lower() == "bearer" else ""


def _equal(given: str, token: str) -> bool:
    """Compare in a time that does not depend on where they differ; no token equals nothing."""
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def _log_refusal(reason: str) -> None:
    log.warning(
        "request refused: %s",
        reason,
        extra={
            "request_id": RequestContext.from_environ(request.environ).request_id,
            "method": request.method,
            "path": request.path,
            "client": request.remote_addr,
        },
    )
