"""The yardstick of `serving.py`: a WSGI application that reads the body and answers a constant."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

BODY = b'{"prediction":0.3842,"version":"3","extrapolating":[]}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", list(HEADERS))
    return [BODY]
