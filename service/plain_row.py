"""The short way for the commonest request: one valid row as JSON, answered without Flask.

Flask's routing and contexts cost several times what the prediction does. This middleware answers
only what is beyond doubt; all else goes on to Flask unchanged, which decides and explains. The
answer is made by the same function either way.
"""

import io
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from service import answers, request_log
from service.browsers import SECURITY_HEADERS
from service.live import LiveModel

MAX_BYTES = 64 * 1024
ACCEPTED = ("*/*", "application/json", "application/json, text/plain, */*")  # as clients say JSON


class PlainRow:
    """WSGI middleware in front of the application; also gives every request its id."""

    def __init__(
        self,
        application: WSGIApplication,
        live: LiveModel,
        max_body_bytes: int,
        *,
        any_host: bool = True,
    ) -> None:
        self._application = application
        self._live = live
        self._max_bytes = min(MAX_BYTES, max_body_bytes)
        self._any_host = any_host
        self._ids = request_log.RequestIds()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = self._ids.identify(environ)
        if (
            environ["PATH_INFO"] == "/predict"
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE") == "application/json"
            and not environ.get("QUERY_STRING")
            and "HTTP_CONTENT_ENCODING" not in environ
            and "HTTP_ORIGIN" not in environ
            and environ.get("HTTP_ACCEPT", "*/*") in ACCEPTED
            and self._any_host
        ):
            length = environ.get("CONTENT_LENGTH", "")
            if length.isdecimal() and int(length) <= self._max_bytes:
                body = environ["wsgi.input"].read(int(length))
                if answer := self._answer(environ, body):
                    headers = [
                        ("Content-Type", "application/json"),
                        ("Content-Length", str(len(answer))),
                        ("X-Request-ID", request_id),
                        *SECURITY_HEADERS,
                    ]
                    start_response("200 OK", headers)
                    return [answer]
                environ["wsgi.input"] = io.BytesIO(body)
        return self._application(environ, start_response)

    def _answer(self, environ: WSGIEnvironment, body: bytes) -> bytes | None:
        try:
            served = self._live.current()
            if served is None or (values := served.inputs.plain_row(body)) is None:
                return None
            answer = answers.one_row(served, values)
        except Exception:  # Flask's way will meet it again, and answer and log it as it should
            return None
        request_log.note(environ, route="/predict", rows=1, version=served.version)
        return answer
