"""Which requests need a token: those that change something, and with a setting nearly all."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, g, request

from config import Settings
from service.web.errors import Forbidden, ModelNotFound
from service.web.tokens.bound_tokens import BoundTokens
from service.web.tokens.cookie import cookie_token, delete_cookie
from service.web.tokens.global_tokens import GlobalTokens

OPEN_PATHS = frozenset({"/livez", "/readyz", "/ping"})  # for orchestrators, which have no token
_EXTENSION = "numnet.authorization"

P = ParamSpec("P")
R = TypeVar("R")


def register(app: Flask, settings: Settings, model_of_job: Callable[[str], str]) -> GlobalTokens:
    """Have an application require the tokens of these settings.

    Parameters
    ----------
    model_of_job : returns the name of a job's model
    """
    tokens = BoundTokens(settings, model_of_job) if settings.tokens_file else GlobalTokens(settings)
    app.extensions[_EXTENSION] = tokens

    def check_reader() -> None:
        is_preflight = (  # browsers send these without a token (the Fetch standard)
            request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        )
        view = app.view_functions.get(request.endpoint or "")
        is_open = request.path in OPEN_PATHS or (view is not None and is_open_to_all(view))
        if not is_open and not is_preflight:
            tokens.check_reader(is_admin_only=view is not None and is_admin_only(view))

    def forget_wrong_token(response: Response) -> Response:
        if "wrong_token" in g and cookie_token():
            delete_cookie(response)
        return response

    app.after_request(forget_wrong_token)
    if tokens.restricts_reading:
        app.before_request(check_reader)
    return tokens


def authorization_of(app: Flask) -> GlobalTokens:
    """Return the tokens of an application."""
    found: GlobalTokens = app.extensions[_EXTENSION]
    return found


def is_admin() -> bool:
    """Return whether the request's token is an administrator's.

    A token has the same rights for all of its models, so that this holds for lists of them, too.
    """
    return authorization_of(current_app).is_admin()


def may_read(model: str) -> bool:
    """Return whether the request's token allows reading a model; for lists of models."""
    return authorization_of(current_app).may_read(model)


def may_read_all() -> bool:
    """Return whether the request's token allows reading every model; for lists of models."""
    return authorization_of(current_app).may_read_all()


def without_hidden_models(error: ModelNotFound) -> ModelNotFound:
    """Return an error that names no model except those that the request's token may read."""
    others = [name for name in error.others if may_read(name)]
    return error if len(others) == len(error.others) else ModelNotFound.among(error.name, others)


def check_admin(model: str) -> None:
    """Refuse the request unless its token is an administrator's of a model that its body names.

    Raises
    ------
    AdminUnavailable, Unauthorized, Forbidden, TooManyWrongTokens
    """
    authorization_of(current_app).check_admin(model)


def check_admin_of_all() -> None:
    """Refuse the request, which has an administrator's token, unless that is for all models.

    Raises
    ------
    Forbidden
    """
    if not authorization_of(current_app).is_admin_of_all():
        raise Forbidden("the token lacks the right admin for all models (*)")


def admin_only(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Refuse requests without an administrator's token of the model that they are about."""

    @wraps(endpoint)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        authorization_of(current_app).check_admin()
        return endpoint(*args, **kwargs)

    vars(guarded)["admin_only"] = True  # for the OpenAPI document
    return guarded


def is_admin_only(endpoint: Callable[..., object]) -> bool:
    """Return whether an endpoint requires an administrator's token."""
    return "admin_only" in vars(endpoint)


def open_to_all(endpoint: Callable[P, R]) -> Callable[P, R]:
    """Accept requests without a token, also where reading needs one."""
    vars(endpoint)["open_to_all"] = True
    return endpoint


def is_open_to_all(endpoint: Callable[..., object]) -> bool:
    """Return whether an endpoint never needs a token."""
    return "open_to_all" in vars(endpoint)


def token_schemes(app: Flask, endpoint: Callable[..., object], path: str) -> list[str]:
    """Return the names of the tokens that an endpoint accepts; none if it needs none."""
    if is_admin_only(endpoint):
        return ["admin"]
    is_open = path in OPEN_PATHS or is_open_to_all(endpoint)
    is_open = is_open or not authorization_of(app).restricts_reading
    return [] if is_open else ["read", "admin"]


def scheme_descriptions(app: Flask) -> dict[str, str]:
    """Return what each name of a token stands for."""
    tokens = authorization_of(app)
    names = {"admin": "the admin token", "read": "the read token"}
    if not tokens.restricts_reading:
        del names["read"]
    if not isinstance(tokens, BoundTokens):
        return names
    bound = ", or a token of `NUMNET_TOKENS_FILE` with the right `{}` for the model"
    return {name: text + bound.format(name) for name, text in names.items()}
