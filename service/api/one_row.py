"""Answers the most common request without Flask: one valid row as JSON.

Flask's routing and contexts cost several times as much as the prediction. A request that differs in
any way from the expected one is left to Flask, which answers with the same bytes or explains what
is wrong.
"""

from collections.abc import Callable, Mapping

from service.formats import json_rows
from service.model import options
from service.model.model_cache import ModelCache
from service.model.prediction import predict_row
from service.telemetry.request_context import RequestContext
from service.web.security_headers import SECURITY_LINES

MAX_BYTES = 64 * 1024
DEFAULT_ROUTE, NAMED_ROUTE = "/predict", "/models/<name>/predict"
_BEFORE_NAME = "/models/"
# values of Accept
ACCEPTED = (b"*/*", b"application/json", b"application/json, text/plain, */*")

_HEADERS = b"Content-Type: application/json\r\n%bX-Request-ID: %b\r\nContent-Length: %d\r\n"
_SECURITY_LINES = SECURITY_LINES.encode()


class PlainRow:
    """Answers plain rows in the event loop; never loads a version.

    Parameters
    ----------
    is_reader : whether a client with this Authorization header may read a model; otherwise Flask
        refuses it
    any_host : False if the Host header has to be checked, which is left to Flask
    """

    def __init__(
        self,
        models: ModelCache,
        is_reader: Callable[[str, str, str], bool] = lambda client, authorization, model: True,
        *,
        any_host: bool = True,
    ) -> None:
        self._models = models
        self._is_reader = is_reader
        self._any_host = any_host

    def answer(
        self, context: RequestContext, query: bytes, fields: Mapping[bytes, bytes], body: bytes
    ) -> tuple[bytes, bytes] | None:
        """Return the header lines and the body of a 200; None if Flask is to answer."""
        if not (
            context.method == "POST"
            and fields.get(b"content-type") == b"application/json"
            and len(body) <= MAX_BYTES
            and b"content-encoding" not in fields
            and b"origin" not in fields
            and b"x-model" not in fields
            and fields.get(b"accept", b"*/*") in ACCEPTED
            and self._any_host
        ):
            return None
        try:
            name, route = self._name(context.path)
            authorization = fields.get(b"authorization", b"").decode("latin-1")
            if not self._is_reader(context.client, authorization, name):
                return None
            if (model := self._models.if_opened(name)) is None:
                return None
            version = model.current_version.if_unchanged()
            if (
                version is None
                or (wanted := options.from_plain_query(version, query)) is None
                or (values := version.reader.plain_row(body)) is None
            ):
                return None
            interval = wanted.interval
            prediction = predict_row(
                version,
                values,
                context,
                explain=wanted.explain,
                scale=interval is not None,
            )
            response = json_rows.one_row(version, prediction, interval)
        except Exception:  # it will occur again in Flask, which answers and logs it
            return None
        context.route, context.model, context.version = route, model.name, version.number
        request_id = context.request_id.encode()
        return _HEADERS % (_SECURITY_LINES, request_id, len(response)), response

    def _name(self, path: str) -> tuple[str, str]:
        """Return the name of the model in a path, and the path's route; an empty name for none."""
        if path == DEFAULT_ROUTE:
            return self._models.default.name, DEFAULT_ROUTE
        if not path.startswith(_BEFORE_NAME):
            return "", ""
        return path[len(_BEFORE_NAME) : -len(DEFAULT_ROUTE)], NAMED_ROUTE
