"""`python -m service`: run the service under gunicorn, with the settings of the environment."""

import os

# The matrices of a request are small: more than one BLAS thread gains nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import ctypes
import errno
import gc
import logging
import math
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from gunicorn.app.base import BaseApplication

from config import VERSION, Settings, SettingsError
from config.temporary_folder import check_temporary_folder
from service.app import create_app
from service.server.application import ServedApplication
from service.server.limits import Limits
from service.server.syn_filter import drop_new_connections
from service.server.worker import Worker
from service.telemetry import worker_slots
from service.telemetry.gunicorn_logger import ServiceLogger
from service.telemetry.shared_counters import SharedCounters
from service.telemetry.telemetry import Telemetry
from service.web.security_headers import SECURITY_FIELDS
from service.web.tokens.admin_token import AdminToken
from service.web.tokens.token_lines import check_tokens

SWITCH_SECONDS = 0.001  # Python's 5 ms would delay predictions, which take 0.1 ms
KILL_SECONDS = 2.0  # after a server process should have ended
OPEN_FILES = 16_384  # of each process
RELEASE_SECONDS = 1.0  # until the processes of a service that was killed release its address
INHERITED_SOCKETS = {"GUNICORN_FD", "LISTEN_FDS"}  # variables, after a re-execution or by systemd
RETURNED_BYTES = 4 * 1024 * 1024  # smaller blocks may be kept for later ones
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h

log = logging.getLogger("service")

Load = Callable[[Settings, Telemetry], ServedApplication]


class Master(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master process.

    Parameters
    ----------
    load : makes the application in each server process

    Attributes
    ----------
    telemetry : of this server process; set after the fork
    """

    telemetry: Telemetry

    def __init__(self, settings: Settings, limits: Limits, load: Load) -> None:
        self.settings = settings
        self.limits = limits
        self._load = load
        self._counters = SharedCounters()  # before the fork: all server processes share it
        super().__init__()

    def load_config(self) -> None:
        options = gunicorn_options(self.settings) | worker_slots.hooks(self._counters)
        options["graceful_timeout"] = math.ceil(self.limits.graceful_seconds + KILL_SECONDS)
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> ServedApplication:
        sys.setswitchinterval(SWITCH_SECONDS)
        return self._load(self.settings, self.telemetry)


def load_service(settings: Settings, telemetry: Telemetry) -> ServedApplication:
    """Return the service for the server."""
    app = create_app(settings, telemetry)
    return ServedApplication(
        wsgi=app,
        meter=telemetry.meter,
        access_log=telemetry.access_log,
        fast_path=app.fast_path,
        fast_path_ending=b"/predict",
        is_quick=app.is_quick,
        group_of=app.group_of,
        upload_prefix=b"/data/",
        open_upload=app.open_upload,
        spared_paths=app.spared_paths,
        readiness_paths=app.readiness_paths,
        error_document=app.error_document,
        error_headers=SECURITY_FIELDS,
        trusted_proxies=settings.forwarded_allow_ips,
        on_stop=app.stop_streams,
    )


def limits_of(settings: Settings) -> Limits:
    """Return the server's limits, as far as there are settings for them."""
    return Limits(
        threads=settings.threads,
        waiting=settings.max_waiting,
        deadline_seconds=settings.deadline_seconds,
        body_bytes=settings.max_body_bytes,
        upload_bytes=settings.max_data_bytes,
    )


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings, which the benchmarks use for rivals too."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "worker_class": Worker,
        "workers": settings.workers,
        "logger_class": ServiceLogger,
        "control_socket_disable": True,
        "proc_name": "numnet",
        "on_starting": _log_settings(settings),
        "when_ready": _stop_gracefully,
    }


def _log_settings(settings: Settings) -> Callable[[Any], None]:
    def log_settings(server: Any) -> None:
        log.info("starting numnet %s", VERSION, extra={"settings": settings.in_force()})

    return log_settings


def _stop_gracefully(server: Any) -> None:
    """Treat SIGINT and SIGHUP like SIGTERM; a second SIGINT stops at once.

    gunicorn itself drops requests in flight on SIGINT, and restarts on SIGHUP.
    """
    quick_stop, graceful_stop = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, quick_stop)
        if not (server.systemd or server.master_pid or server.reexec_pid):
            drop_new_connections(each.sock for each in server.LISTENERS)
        if callable(graceful_stop):
            graceful_stop(signal.SIGTERM, frame)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _deliver_stop_signals_once() -> None:
    """Let server processes get signals from the master alone, and lose none while they start.

    A process group of its own keeps the terminal's signals from a server process. Between its fork
    and its own handlers it has the master's handlers, which would swallow a signal to stop: so the
    signals are blocked during the fork, and have their default effect until there are handlers.
    """
    stops = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)

    def in_server_process() -> None:
        os.setpgid(0, 0)
        for number in stops:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, stops),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, stops),
        after_in_child=in_server_process,
    )


def _raise_open_files_limit() -> None:
    """Raise the soft limit of open files as far as the hard limit allows; connections need them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or hard > soft):
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _listening_error(settings: Settings) -> OSError | None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        socket.create_server((settings.host, settings.port), family=family).close()
    except OSError as error:
        return error
    return None


def _check_address(settings: Settings) -> None:
    """Exit if nothing can listen on the address; gunicorn would try again for seconds."""
    if os.environ.keys() & INHERITED_SOCKETS:
        return
    deadline = time.monotonic() + RELEASE_SECONDS
    error = _listening_error(settings)
    while error and error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
        time.sleep(0.1)
        error = _listening_error(settings)
    if error:
        reason = (error.strerror or str(error)).partition(" (while")[0]
        address = f"{settings.host}, port {settings.port}"
        what = "NUMNET_HOST and NUMNET_PORT choose another address"
        sys.exit(f"error: cannot listen on {address}: {reason}; {what}")


def _return_large_memory() -> None:
    """Have glibc return large blocks to the system when they are freed.

    By default it raises its threshold to the largest block that was freed, and then keeps blocks of
    that size: one long body would make a process larger for good.
    """
    with suppress(AttributeError, OSError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, RETURNED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, RETURNED_BYTES)


def main() -> None:
    try:
        settings = Settings.from_environment()
        if settings.tokens_file:
            check_tokens(Path(settings.tokens_file))
        check_temporary_folder()  # for the counters that all server processes share
    except SettingsError as error:
        sys.exit(f"error: {error}")
    _check_address(settings)
    AdminToken(settings).get()  # created and shown once, before there are several processes
    run(settings, limits_of(settings), load_service)


def run(settings: Settings, limits: Limits, load: Load) -> None:
    """Start the master process, and return when it has stopped."""
    _return_large_memory()
    gc.freeze()  # a collection would write to shared pages, and every process would copy them
    _deliver_stop_signals_once()
    _raise_open_files_limit()
    Master(settings, limits, load).run()


if __name__ == "__main__":
    main()
