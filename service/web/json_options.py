"""Options in an optional JSON body."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from marshmallow import Schema, ValidationError

from service.web.bodies import optional_json_body
from service.web.errors import MAX_ERRORS, InvalidInput
from service.web.field_errors import Error, escape, flatten, shown

_LONGEST_NAME = 40  # to look for the field that it may mean


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
        errors = list(flatten(error, ""))
        _suggest_fields(errors[:MAX_ERRORS], document, schema.fields)
        raise _invalid(errors, example) from None
    return options


def _suggest_fields(
    errors: list[Error], document: Mapping[str, Any], fields: Collection[str]
) -> None:
    """Add to the error of each unknown field the known one that it is similar to."""
    unknown = {f"/{escape(name)}": name for name in document if name not in fields}
    for error in errors:
        name = unknown.get(error["pointer"], "")[:_LONGEST_NAME]
        for field in get_close_matches(name.lower(), fields, n=1):
            error["detail"] += f"; did you mean {field}?"


def _invalid(errors: list[Error], example: Mapping[str, Any]) -> InvalidInput:
    return InvalidInput(errors[:MAX_ERRORS], example, complete=len(errors) <= MAX_ERRORS)
