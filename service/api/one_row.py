"""The short way for the commonest request: one valid row as JSON, answered without Flask.

Flask's routing and contexts cost several times what the prediction does. Here only what is beyond
doubt is answered; all else is left to Flask, which decides and explains. The answer is made by the
same function either way.
"""

from wsgiref.types import WSGIEnvironment

from service.formats import json_rows
from service.model.current_version import CurrentVersion
from service.model.prediction import predict_row
from service.telemetry.request_context import RequestContext
from service.web.security_headers import SECURITY_LINES

MAX_BYTES = 64 * 1024
ACCEPTED = ("*/*", "application/json", "application/json, text/plain, */*")  # as clients say JSON

_HEADERS = b"Content-Type: application/json\r\n%bX-Request-ID: %b\r\nContent-Length: %d\r\n"
_SECURITY_LINES = SECURITY_LINES.encode()


class PlainRow:
    """Answers plain rows. Safe to share between threads.

    Parameters
    ----------
    any_host : whether it matters by which name the service is asked
    """

    def __init__(self, current_version: CurrentVersion, *, any_host: bool = True) -> None:
        self._current_version = current_version
        self._any_host = any_host

    def answer(self, environ: WSGIEnvironment, body: bytes) -> tuple[bytes, bytes] | None:
        """The headers' lines and the body of a 200; None where Flask is to answer."""
        if not (
            environ["PATH_INFO"] == "/predict"
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE") == "application/json"
            and len(body) <= MAX_BYTES
            and not environ["QUERY_STRING"]
            and "HTTP_CONTENT_ENCODING" not in environ
            and "HTTP_ORIGIN" not in environ
            and environ.get("HTTP_ACCEPT", "*/*") in ACCEPTED
            and self._any_host
        ):
            return None
        try:
            version = self._current_version.current()
            if version is None or (values := version.reader.plain_row(body)) is None:
                return None
            context = RequestContext.from_environ(environ)
            y, out_of_range = predict_row(version, values, context)
            answer = json_rows.one_row(version, y, out_of_range)
        except Exception:  # Flask's way will meet it again, and answer and log it as it should
            return None
        context.route, context.version = "/predict", version.number
        request_id = context.request_id.encode()
        return _HEADERS % (_SECURITY_LINES, request_id, len(answer)), answer
