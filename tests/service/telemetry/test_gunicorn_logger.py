"""Log lines are JSON objects, one per line."""

import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest
from gunicorn.config import Config

from config.log_format import json_formatter
from service.telemetry.gunicorn_logger import ServiceLogger


@pytest.fixture(autouse=True)
def _loggers_are_put_back() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("gunicorn.error", "gunicorn.access", "service")]
    before = [(log.handlers.copy(), log.level, log.propagate) for log in loggers]
    yield
    for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def service_logger() -> ServiceLogger:
    """Return gunicorn's logger as the service configures it, writing to the current stderr."""
    config = Config()
    config.set("accesslog", "-")
    return ServiceLogger(config)


@pytest.mark.parametrize("name", ["service.model.current_version", "gunicorn.error"])
def test_log_record_is_one_line_of_json_on_stderr(
    capfd: pytest.CaptureFixture[str], name: str
) -> None:
    service_logger()
    logging.getLogger(name).warning("two\nlines %s", "é", extra={"version": "7"})
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    line = json.loads(err)
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line == {"level": "WARNING", "logger": name, "message": "two\nlines é", "version": "7"}


def test_exception_is_logged_with_its_traceback() -> None:
    try:
        raise RuntimeError("lost")
    except RuntimeError:
        record = logging.getLogger().makeRecord(
            "a", logging.ERROR, "", 0, "went wrong", (), exc_info=sys.exc_info()
        )
    line = json.loads(json_formatter().format(record))
    assert line["message"] == "went wrong"
    assert line["exc_info"].endswith("RuntimeError: lost")
