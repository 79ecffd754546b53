"""The log format of every process: one JSON object per line."""

from pythonjsonlogger.json import JsonFormatter


def formatter() -> JsonFormatter:
    """Return a formatter that writes time, level, logger, message and the record's `extra`."""
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
    )
