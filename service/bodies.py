"""JSON bodies: requests' read and parsed, answers' written."""

from typing import Any

import orjson
from flask import Response, current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType


def json_body() -> tuple[object, bytes]:
    """The request's body, parsed and raw.

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
    """
    _check_type()
    body = read_body()
    if not body:
        raise BadRequest("the body is empty; expected a JSON object")
    return _parsed(body), body


def json_answer(document: dict[str, Any], status: int = 200) -> Response:
    """A document as an answer."""
    return Response(orjson.dumps(document), status, content_type="application/json")


def optional_json_body() -> object:
    """The request's body, parsed; an empty object where there is none, whatever its type.

    Raises
    ------
    UnsupportedMediaType, BadRequest, RequestEntityTooLarge
    """
    body = read_body()
    if not body:
        return {}
    _check_type()
    return _parsed(body)


def read_body() -> bytes:
    """The request's body.

    Raises
    ------
    RequestEntityTooLarge
    """
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        body = request.get_data(cache=False)
        # Werkzeug cuts a chunked body off at the limit without a word.
        if len(body) < limit or not request.environ["wsgi.input"].read(1):
            return body
    except RequestEntityTooLarge:
        pass
    raise RequestEntityTooLarge(f"the body is larger than {limit:,} bytes: send fewer rows at once")


def _check_type() -> None:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(
            f"the body is {request.mimetype or 'of no declared type'}; "
            f"expected Content-Type: application/json"
        )
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("the body is encoded; expected no Content-Encoding")


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {_reason(error, body)}") from None


def _reason(error: orjson.JSONDecodeError, body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as undecodable:
        return f"byte {undecodable.start} is not UTF-8"
    return str(error)
