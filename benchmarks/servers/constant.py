"""A WSGI application that reads the body and returns a constant response.

gunicorn serves `application` with its own workers. As a program, the module serves it with the HTTP
server of `python -m service`.
"""

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

BODY = b'{"prediction":0.3842,"version":"3","extrapolating":[],"unfamiliar":false}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.input"].read()
    start_response("200 OK", list(HEADERS))
    return [BODY]


def main() -> None:
    from dataclasses import replace

    from config import Settings
    from service.__main__ import limits_of, load_service, run
    from service.server.application import ServedApplication
    from service.telemetry.telemetry import Telemetry

    def load(settings: Settings, telemetry: Telemetry) -> ServedApplication:
        def no_fast_path(*request: Any) -> None:
            return None

        served = load_service(settings, telemetry)
        return replace(served, wsgi=application, fast_path=no_fast_path)

    settings = Settings.from_environment()
    run(settings, limits_of(settings), load)


if __name__ == "__main__":
    main()
