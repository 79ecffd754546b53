"""The log on standard error."""

import logging
import sys

from gunicorn.config import Config
from gunicorn.glogging import Logger

from config.log_format import formatter

_LEVELS = {
    "service": logging.INFO,
    "asyncio": logging.WARNING,
    "dbos": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}


class ServiceLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger; the service's own loggers use its handler.

    On a terminal gunicorn's own messages about its processes are left out, except for warnings.
    """

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(formatter(sys.stderr))
        self.error_log.handlers = [handler]
        if sys.stderr.isatty():
            self.error_log.setLevel(logging.WARNING)
        for name, level in _LEVELS.items():
            application = logging.getLogger(name)
            application.handlers = [handler]
            application.setLevel(level)
            application.propagate = False
