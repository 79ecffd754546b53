"""How every process writes its log: one JSON object a line."""

from pythonjsonlogger.json import JsonFormatter


def formatter() -> JsonFormatter:
    """One JSON object per record: time, level, logger, message, and what came as `extra`."""
    return JsonFormatter(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
    )
