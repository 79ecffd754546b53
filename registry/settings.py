"""Everything that can be set, read once from the environment and checked."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from registry.errors import SettingsError

log = logging.getLogger(__name__)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """One per process. A field's environment variable is `NUMNET_` and its name in capitals.

    Attributes
    ----------
    models : the folder of versions
    state : the folder of what unfinished work keeps
    host, port : where the service listens; port 0 takes a free one
    workers, threads : processes of the service, and threads in each
    max_body_bytes : the largest request body taken
    """

    models: Path = Path("models")
    state: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0  # 0: one per core
    threads: int = 4
    max_body_bytes: int = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        if not self.workers:
            object.__setattr__(self, "workers", _cores())

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every `NUMNET_` variable; an empty one counts as not set.

        A name that is no setting is warned of, not refused: an orchestrator may have made it.

        Raises
        ------
        SettingsError
            a value that cannot be used.
        """
        names = {f"NUMNET_{field.name.upper()}": field.name for field in fields(cls)}
        given = {
            key: value for key, value in environ.items() if key.startswith("NUMNET_") and value
        }
        for key in list(given):
            if key not in names:
                log.warning("%s is not a setting; there are %s", key, ", ".join(names))
                del given[key]
        return cls(**{names[key]: _parse(key, value) for key, value in given.items()})


_RANGES = {
    "NUMNET_PORT": (0, 65_535),
    "NUMNET_WORKERS": (1, 1_024),
    "NUMNET_THREADS": (1, 1_024),
    "NUMNET_MAX_BODY_BYTES": (1_024, 2**31),
}


def _parse(key: str, value: str) -> Any:
    if key == "NUMNET_STATE":
        return Path(value)
    if key == "NUMNET_MODELS":
        if "://" in value:
            raise SettingsError(f"{key}: expected a folder; object storage is not supported")
        return Path(value)
    if key not in _RANGES:
        return value
    least, greatest = _RANGES[key]
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if not least <= number <= greatest:
        raise SettingsError(f"{key}={value}: expected a whole number from {least} to {greatest}")
    return number
