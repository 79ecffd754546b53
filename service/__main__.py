"""`python -m service`: the service under gunicorn, set by `NUMNET_` variables."""

import os

# The products of a request are small: more BLAS threads than one only take turns.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from registry import Settings, SettingsError
from service.app import create_app
from service.logs import JsonLogger


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with threaded workers, configured by `Settings`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app(self._settings)


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """gunicorn's settings, which the benchmarks use for their rivals too."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "worker_class": "gthread",
        "workers": settings.workers,
        "threads": settings.threads,
        "keepalive": 75,
        "accesslog": "-",
        "logger_class": JsonLogger,
        "control_socket_disable": True,
        "forwarder_headers": "",  # a caller's SCRIPT_NAME header would be a 500
        "proc_name": "numnet",
    }


def main() -> None:
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        sys.exit(f"error: {error}")
    Server(settings).run()


if __name__ == "__main__":
    main()
