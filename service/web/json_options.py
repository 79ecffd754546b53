"""Options in an optional JSON body."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from service.web.bodies import optional_json_body
from service.web.errors import MAX_ERRORS, InvalidInput
from service.web.field_errors import Error, flatten, shown


def read_options(schema: Schema, example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in the request's body, none if it is empty.

    Raises
    ------
    InvalidInput, UnsupportedMediaType, BadRequest, RequestEntityTooLarge
    """
    document = optional_json_body()
    if not isinstance(document, dict):
        detail = f"must be an object, got {shown(document)}"
        raise _invalid([{"pointer": "", "detail": detail}], example)
    try:
        options: dict[str, Any] = schema.load(document)
    except ValidationError as error:
        raise _invalid(list(flatten(error, "")), example) from None
    return options


def _invalid(errors: list[Error], example: Mapping[str, Any]) -> InvalidInput:
    return InvalidInput(errors[:MAX_ERRORS], example, complete=len(errors) <= MAX_ERRORS)
