"""The model that a page is about: `?model=NAME`, by default the default model."""

from flask import request

from service.model.served_model import ServedModel
from service.services import services
from service.web.tokens.scopes import MODEL_QUERY


def asked_name() -> str | None:
    """Return the model's name in the query; None if there is none."""
    return request.args.get(MODEL_QUERY)


def asked_model() -> ServedModel:
    """Return the model that the page is about.

    Raises
    ------
    ModelNotFound, StorageError
    """
    return services().models.find(asked_name())
