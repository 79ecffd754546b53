"""`python -m service`: the service under gunicorn, set by `NUMNET_` variables."""

import os

# The products of a request are small: more BLAS threads than one only take turns.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gc
import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from registry import VERSION, Settings, SettingsError
from service.admin import AdminToken
from service.app import create_app
from service.graceful_stop import ThreadedWorker, turn_away
from service.logs import JsonLogger

SWITCH_SECONDS = 0.001  # a prediction takes 0.1 ms, and should not wait 5 for another thread


log = logging.getLogger("service")


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with threaded workers, configured by `Settings`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        sys.setswitchinterval(SWITCH_SECONDS)
        return create_app(self._settings)


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """gunicorn's settings, which the benchmarks use for their rivals too."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "worker_class": ThreadedWorker,
        "workers": settings.workers,
        "threads": settings.threads,
        "keepalive": 75,
        "accesslog": "-",
        "logger_class": JsonLogger,
        "control_socket_disable": True,
        "forwarder_headers": "",  # a caller's SCRIPT_NAME header would be a 500
        "proc_name": "numnet",
        "on_starting": _say_what_is_in_force(settings),
        "when_ready": _stop_gracefully,
    }


def _say_what_is_in_force(settings: Settings) -> Callable[[Any], None]:
    def say(server: Any) -> None:
        log.info("starting numnet %s", VERSION, extra={"settings": settings.in_force()})

    return say


def _stop_gracefully(server: Any) -> None:
    """Ctrl-C, or closing the terminal, stops as SIGTERM does; a second Ctrl-C at once.

    gunicorn's own ways are to drop what is in flight on SIGINT, where its threads can lock each
    other for 30 s, and to go on after SIGHUP.
    """
    at_once, gracefully = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, at_once)
        if not (server.systemd or server.master_pid or server.reexec_pid):
            turn_away(each.sock for each in server.LISTENERS)  # with which nobody goes on
        if callable(gracefully):
            gracefully(signal.SIGTERM, frame)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _let_signals_reach_each_worker_once() -> None:
    """Workers get signals from the master alone, and miss none while they boot.

    A process group of its own keeps the terminal's signals from a worker. And between its fork and
    its own handlers a worker has the master's, which would swallow the signal to stop: the signals
    are held back while it is forked, and end it at once until it has handlers.
    """
    stops = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)

    def in_worker() -> None:
        os.setpgid(0, 0)
        for number in stops:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, stops),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, stops),
        after_in_child=in_worker,
    )


def main() -> None:
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        sys.exit(f"error: {error}")
    AdminToken(settings).get()  # made once, and shown once, before there are several processes
    gc.freeze()  # or the first collection would give every process a copy of what they share
    _let_signals_reach_each_worker_once()
    Server(settings).run()


if __name__ == "__main__":
    main()
