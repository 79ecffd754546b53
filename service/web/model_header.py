"""The header that names a model if the path does not, which is for `/invocations` alone."""

from flask import request
from werkzeug.exceptions import BadRequest

from service.web.tokens.scopes import MODEL_HEADER


def refuse_model_header(name: str, instead: str) -> None:
    """Refuse a request whose header names another model than the one that the request is about.

    Parameters
    ----------
    name : of that model
    instead : how to name a model, for the message

    Raises
    ------
    BadRequest
    """
    given = request.headers.get(MODEL_HEADER, name)
    if given != name:
        raise BadRequest(
            f"{MODEL_HEADER} is {given[:64]}, and this request is about {name}; {instead}"
        )
