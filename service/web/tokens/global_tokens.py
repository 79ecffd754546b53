"""The admin token and the read token, which are for all models."""

import hmac
import logging

from flask import g, request

from config import Settings
from service.telemetry.request_context import RequestContext
from service.web.errors import AdminUnavailable, Forbidden, TooManyWrongTokens, Unauthorized
from service.web.tokens.admin_token import AdminToken
from service.web.tokens.cookie import MAX_LENGTH, cookie_token, tokens_of_field
from service.web.tokens.same_origin import SAFE_METHODS, check_same_origin
from service.web.tokens.wrong_tokens import WrongTokens

log = logging.getLogger(__name__)


class GlobalTokens:
    """The tokens of an application, and the clients that send wrong ones.

    Attributes
    ----------
    restricts_reading : whether requests that only read need a token
    """

    def __init__(self, settings: Settings) -> None:
        self.admin_token = AdminToken(settings)
        self.read_token = settings.read_token
        self.restricts_reading = bool(settings.read_token)
        self.wrong_tokens = WrongTokens()

    def is_reader(self, client: str, authorization: str, model: str) -> bool:
        """Return whether a request may read a model, as far as that can be told without I/O."""
        if not self.restricts_reading:
            return True
        given = bearer_token(authorization)
        return equal(given, self.read_token) and not self.wrong_tokens.wait_seconds(client)

    def may_upload(self, client: str, authorization: str, cookie: str) -> bool:
        """Return whether the body of a request is worth storing before the request is checked."""
        given = [bearer_token(authorization), *tokens_of_field(cookie)]
        return any(map(self._may_be_admin, given)) and not self.wrong_tokens.wait_seconds(client)

    def _may_be_admin(self, token: str) -> bool:
        return equal(token, self.admin_token.get())

    def check_reader(self, *, is_admin_only: bool) -> None:
        """Refuse a request that has neither the read token nor the admin token.

        Parameters
        ----------
        is_admin_only : whether `check_admin` follows

        Raises
        ------
        Unauthorized, Forbidden, TooManyWrongTokens
        """
        if not self._is_known(self._given("the read token")):
            raise self._wrong("the token is neither the read token nor the admin token")

    def check_admin(self, model: str | None = None) -> None:
        """Refuse a request that does not have the admin token.

        Parameters
        ----------
        model : which the request is about; by default as its path says

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
        if equal(given, self.read_token):
            raise Forbidden("the read token is not enough; expected the admin token")
        if not equal(given, token):
            raise self._wrong("the admin token is wrong")

    def is_admin(self) -> bool:
        """Return whether the request has the admin token; a wrong one counts as a guess."""
        given = sent_token()
        client = request.remote_addr or ""
        if not given or equal(given, self.read_token) or self.wrong_tokens.wait_seconds(client):
            return False
        if not equal(given, self.admin_token.get()):
            self._wrong("the admin token is wrong")
            return False
        return True

    def check_token(self, token: str) -> None:
        """Refuse a token that somebody signs in with, unless it allows something.

        Raises
        ------
        Forbidden, TooManyWrongTokens
        """
        self._check_wait()
        if len(token) > MAX_LENGTH or not self._is_known(token):
            raise self._wrong("this is not the token")

    def is_admin_of_all(self) -> bool:
        """Return whether the token of this request, which was accepted, is for all models."""
        return True

    def may_read(self, model: str) -> bool:
        """Return whether a list for this request, which was accepted, contains a model."""
        return True

    def may_read_all(self) -> bool:
        """Return whether a list for this request contains all models."""
        return True

    def _given(self, expected: str) -> str:
        """Return the request's token, unless the client has to wait."""
        given = sent_token()
        if not given:
            log_refusal("no token")
            raise Unauthorized(f"{expected} is missing; expected Authorization: Bearer TOKEN")
        self._check_wait()
        return given

    def _check_wait(self) -> None:
        if wait := self.wrong_tokens.wait_seconds(request.remote_addr or ""):
            log_refusal("too many wrong tokens")
            raise TooManyWrongTokens(wait)

    def _is_known(self, token: str) -> bool:
        return equal(token, self.read_token) or equal(token, self.admin_token.get())

    def _wrong(self, detail: str) -> Forbidden:
        log_refusal("wrong token")
        self.wrong_tokens.add(request.remote_addr or "")
        g.wrong_token = True  # a browser is to forget it
        return Forbidden(detail)


def sent_token() -> str:
    """Return the request's token: of its Authorization header, or else of its cookie.

    Raises
    ------
    Forbidden
        the cookie came with a request that no page of this service has sent.
    """
    if token := bearer_token(request.headers.get("Authorization", "")):
        return token
    if (token := cookie_token()) and request.method not in SAFE_METHODS:
        check_same_origin()
    return token


def bearer_token(authorization: str) -> str:
    """Return the token of an Authorization header; an empty string if it has none."""
    scheme, _, given = authorization.partition(" ")
    return given.strip(" \t") if scheme.lower() == "bearer" else ""


def equal(given: str, token: str) -> bool:
    """Compare in a time that does not depend on where they differ; no token equals nothing."""
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def log_refusal(reason: str) -> None:
    """Log that a request was refused, without its token."""
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
