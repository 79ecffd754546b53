"""Tokens that are bound to models, besides the global ones."""

from collections.abc import Callable
from pathlib import Path

from flask import g, request

from config import Settings
from service.web.errors import Forbidden
from service.web.tokens.global_tokens import GlobalTokens, bearer_token, equal, log_refusal
from service.web.tokens.grant import ADMIN, FULL, READ, READING, Grant
from service.web.tokens.scopes import MODEL_HEADER, MODEL_QUERY, Scope, scope_of
from service.web.tokens.token_file import TokenFile
from trainer.jobs import JobNotFound

_SHOWN = 64  # characters of a model's name in an error


class BoundTokens(GlobalTokens):
    """The tokens of an application, of which those in a file are bound to models.

    Every request needs a token with a right for what it is about. `check_reader` notes both in
    Flask's `g`, as `grant` and `subject`: a model's name, `Scope.SERVICE` or `Scope.ALL_MODELS`.

    Parameters
    ----------
    model_of_job : returns the name of a job's model
    """

    def __init__(self, settings: Settings, model_of_job: Callable[[str], str]) -> None:
        super().__init__(settings)
        self.restricts_reading = True
        self._default = settings.model_name
        self._file = TokenFile(Path(settings.tokens_file))
        self._model_of_job = model_of_job

    def is_reader(self, client: str, authorization: str, model: str) -> bool:
        if self._file.is_due():
            return False  # a thread looks for a change, and answers
        grant = self._file.find_in_memory(bearer_token(authorization))
        if grant is None:
            return super().is_reader(client, authorization, model)
        return grant.allows(READ, model) and not self.wrong_tokens.wait_seconds(client)

    def _may_be_admin(self, token: str) -> bool:
        grant = self._file.find_in_memory(token)
        return super()._may_be_admin(token) if grant is None else ADMIN in grant.rights

    def check_reader(self, *, is_admin_only: bool) -> None:
        """Refuse a request whose token lacks the right to read what it is about.

        Raises
        ------
        Unauthorized, Forbidden, TooManyWrongTokens, TokensUnavailable, JobNotFound, JobsUnavailable
        """
        g.grant = self._grant()
        g.subject = self._subject(g.grant)
        if not is_admin_only:
            _check(g.grant, READ, g.subject)

    def check_admin(self, model: str | None = None) -> None:
        """Refuse a request whose token lacks the right `admin` for a model.

        Raises
        ------
        Forbidden
        """
        _check(g.grant, ADMIN, g.subject if model is None else model)

    def is_admin(self) -> bool:
        """Return whether the token has the right `admin` for what the request is about."""
        return _allows(g.grant, ADMIN, g.subject)

    def _is_known(self, token: str) -> bool:
        return self._file.find(token) is not None or super()._is_known(token)

    def is_admin_of_all(self) -> bool:
        return _allows(g.grant, ADMIN, Scope.ALL_MODELS)

    def may_read(self, model: str) -> bool:
        return _allows(g.grant, READ, model)

    def may_read_all(self) -> bool:
        return _allows(g.grant, READ, Scope.ALL_MODELS)

    def _grant(self) -> Grant:
        """Return what the request's token allows."""
        given = self._given("a token")
        if found := self._file.find(given):
            return found
        if equal(given, self.read_token):
            return READING
        if equal(given, self.admin_token.get()):
            return FULL
        self._file.check_usable()
        raise self._wrong("the token is unknown")

    def _subject(self, grant: Grant) -> str | Scope:
        """Return the model that the request is about; if it is about none or all, the scope."""
        arguments = request.view_args or {}
        if "name" in arguments:
            return str(arguments["name"])
        match scope := scope_of(request.endpoint):
            case Scope.DEFAULT:
                return self._default
            case Scope.HEADER:
                return request.headers.get(MODEL_HEADER, self._default)
            case Scope.QUERY:
                return request.args.get(MODEL_QUERY, self._default)
            case Scope.JOB:
                model = self._model_of_job(arguments["job_id"])
                if not grant.allows(READ, model):  # a 403 would say that there is such a job
                    raise JobNotFound(arguments["job_id"])
                return model
        return scope


def _allows(grant: Grant, right: str, subject: str | Scope) -> bool:
    if subject is Scope.SERVICE:
        return right == READ or right in grant.rights
    return grant.allows(right, None if subject is Scope.ALL_MODELS else str(subject))


def _check(grant: Grant, right: str, subject: str | Scope) -> None:
    if _allows(grant, right, subject):
        return
    log_refusal(f"no right {right}")
    of_what = {Scope.SERVICE: "", Scope.ALL_MODELS: " for all models (*)"}
    models = of_what[subject] if isinstance(subject, Scope) else f" for model {subject[:_SHOWN]}"
    raise Forbidden(f"the token lacks the right {right}{models}")
