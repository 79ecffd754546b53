"""The log: lines of JSON on standard error."""

import logging
import sys

from gunicorn.config import Config
from gunicorn.glogging import Logger

from config.json_logging import formatter

_LEVELS = {
    "service": logging.INFO,
    "asyncio": logging.WARNING,
    "dbos": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's logger, which writes JSON; the service's own loggers use its handler."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(formatter())
        self.error_log.handlers = [handler]
        for name, level in _LEVELS.items():
            application = logging.getLogger(name)
            application.handlers = [handler]
            application.setLevel(level)
            application.propagate = False
