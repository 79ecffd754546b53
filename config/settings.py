"""Everything that can be set, read once from the environment and checked."""

import logging
import math
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

log = logging.getLogger(__name__)


class SettingsError(Exception):
    """An environment variable with a value that cannot be used."""


def _cores(control_group: Path = Path("/sys/fs/cgroup")) -> int:
    """The processors this process may use: of the machine's, those its container is given."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota = _quota(control_group)
    return cores if quota >= cores else max(1, math.ceil(quota))


def _quota(control_group: Path) -> float:
    """Processors as cgroups limit them, versions 2 and 1; infinite where they do not."""
    for quota, period in (
        ("cpu.max", "cpu.max"),
        ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
    ):
        with suppress(OSError, ValueError):  # not there; "max"
            microseconds = int((control_group / quota).read_text().split()[0])
            of = int((control_group / period).read_text().split()[-1])
            return microseconds / of if microseconds > 0 else math.inf
    return math.inf


@dataclass(frozen=True)
class Settings:
    """One per process. A field's environment variable is `NUMNET_` and its name in capitals.

    Attributes
    ----------
    models : the folder of versions
    state : the folder of jobs, checkpoints and the admin token
    database_url : the database of jobs; empty: SQLite in the state folder
    database_password : its password, where the URL has none
    data : the folder whose tables a job may name
    admin_token : what admin requests have to carry; empty: one is made and kept in the state folder
    retrain_cron : when the worker retrains by itself; empty: never
    gate_margin : by which fraction a new version may be worse than the current one and still be
        promoted; below 0 it has to be better by as much
    keep_versions : how many versions are kept
    host, port : where the service listens; port 0 takes a free one
    workers, threads : processes of the service, and threads in each
    max_waiting : requests that may wait for a thread, in each process; more are refused
    deadline_seconds : how long a request may take before it is given up
    max_body_bytes : the largest request body taken
    cors_origins : whose pages may ask and read, `https://host` each; none: no other's
    hosts : by which names the service is asked for; none: any
    model_name : what the model is called in the paths of other servers' protocols
    """

    models: Path = Path("models")
    state: Path = Path("var")
    database_url: str = field(default="", repr=False)  # it may hold a password
    database_password: str = field(default="", repr=False)
    data: Path = Path("data")
    admin_token: str = field(default="", repr=False)
    retrain_cron: str = ""
    gate_margin: float = 0.0
    keep_versions: int = 50
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0  # 0: one per core
    threads: int = 4
    max_waiting: int = 64
    deadline_seconds: float = 30.0
    max_body_bytes: int = 16 * 1024 * 1024
    cors_origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    model_name: str = "numnet"

    def __post_init__(self) -> None:
        if not self.workers:
            object.__setattr__(self, "workers", _cores())

    @property
    def jobs_url(self) -> str:
        """Where jobs are kept, and the password to get there."""
        if not self.database_url:
            return f"sqlite:///{(self.state / 'jobs.sqlite').absolute()}"
        if not self.database_password:
            return self.database_url
        from sqlalchemy import make_url  # noqa: PLC0415  # slow to import, and few need it

        url = make_url(self.database_url).set(password=self.database_password)
        return url.render_as_string(hide_password=False)

    def in_force(self) -> dict[str, str | int | float]:
        """Every setting as a log may show it: of secrets only whether they are set."""
        return {
            each.name: _shown(getattr(self, each.name), secret=not each.repr)
            for each in fields(self)
        }

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read every `NUMNET_` variable; an empty one counts as not set.

        With `_FILE` after its name it names a file that holds the value, as secrets are handed to
        containers. A name that is no setting is warned of, not refused: an orchestrator may have
        made it.

        Raises
        ------
        SettingsError
            a value or a file that cannot be used.
        """
        names = {f"NUMNET_{field.name.upper()}": field.name for field in fields(cls)}
        given: dict[str, str] = {}
        for variable, value in environ.items():
            key = variable.removesuffix("_FILE")
            if not value or not variable.startswith("NUMNET_"):
                continue
            if key not in names:
                log.warning("%s is not a setting; there are %s", variable, ", ".join(names))
                continue
            if key in given:
                raise SettingsError(f"{key} and {key}_FILE are both set: expected one of them")
            given[key] = value if variable == key else _content(variable, value)
        settings = cls(**{names[key]: _parse(key, value) for key, value in given.items()})
        if settings.database_password:
            _check_password_is_missing(settings.database_url)
        return settings


def _shown(value: Any, *, secret: bool) -> str | int | float:
    if secret:
        return "set" if value else "not set"
    if isinstance(value, tuple):
        return ",".join(value)
    return value if isinstance(value, int | float) else str(value)


_RANGES: dict[str, tuple[float, float]] = {
    "NUMNET_GATE_MARGIN": (-0.99, 1_000_000),
    "NUMNET_KEEP_VERSIONS": (2, 1_000_000),
    "NUMNET_PORT": (0, 65_535),
    "NUMNET_WORKERS": (1, 1_024),
    "NUMNET_THREADS": (1, 1_024),
    "NUMNET_MAX_WAITING": (0, 1_000_000),
    "NUMNET_DEADLINE_SECONDS": (0.1, 3_600),
    "NUMNET_MAX_BODY_BYTES": (1_024, 2**31),
}
_FRACTIONS = {"NUMNET_GATE_MARGIN", "NUMNET_DEADLINE_SECONDS"}
_LISTS = {
    "NUMNET_CORS_ORIGINS": (r"https?://[a-z0-9.-]+(:\d+)?", "origins, as https://example.org"),
    "NUMNET_HOSTS": (r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", "names of hosts without a port"),
}
_MODEL_NAME = re.compile(r"(?!stats$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _parse(key: str, value: str) -> Any:
    if key == "NUMNET_MODELS" and "://" in value:
        raise SettingsError(f"{key}: expected a folder; object storage is not supported")
    if key in ("NUMNET_MODELS", "NUMNET_STATE", "NUMNET_DATA"):
        return Path(value)
    if key in _RANGES:
        return _number(key, value)
    if key == "NUMNET_DATABASE_URL":
        return _database_url(key, value)
    if key == "NUMNET_RETRAIN_CRON":
        return _cron(key, value)
    if key in _LISTS:
        return _list(key, value)
    if key == "NUMNET_ADMIN_TOKEN" and not re.fullmatch(r"[!-~]+", value):
        raise SettingsError(f"{key}: expected printable ASCII characters without spaces")
    if key == "NUMNET_MODEL_NAME" and not _MODEL_NAME.fullmatch(value):
        raise SettingsError(
            f"{key}={value}: expected up to 64 letters, digits, dots, hyphens and underscores that "
            f"begin with a letter or digit, and not stats, which is another address"
        )
    return value


def _check_password_is_missing(database_url: str) -> None:
    parts = urlsplit(database_url)
    if parts.scheme != "postgresql" or parts.password is not None:
        raise SettingsError(
            "NUMNET_DATABASE_PASSWORD: expected a NUMNET_DATABASE_URL of PostgreSQL without one"
        )


def _content(variable: str, path: str) -> str:
    """What a file holds, without the line's end."""
    try:
        content = Path(path).read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{variable}={path}: {getattr(error, 'strerror', None) or 'no text'}"
        ) from None
    if not content.strip():
        raise SettingsError(f"{variable}={path}: the file is empty")
    return content


def _number(key: str, value: str) -> float:
    least, greatest = _RANGES[key]
    kind, what = (float, "number") if key in _FRACTIONS else (int, "whole number")
    try:
        number = kind(value)
    except ValueError:
        number = math.nan
    if not least <= number <= greatest:
        raise SettingsError(f"{key}={value}: expected a {what} from {least} to {greatest}")
    return number


def _list(key: str, value: str) -> tuple[str, ...]:
    pattern, what = _LISTS[key]
    items = tuple(each.strip().lower() for each in value.split(","))
    for item in items:
        if not re.fullmatch(pattern, item):
            raise SettingsError(f"{key}: {item!r}: expected {what}, with commas between them")
    return items


def _cron(key: str, value: str) -> str:
    from croniter import CroniterError, croniter  # noqa: PLC0415  # slow, and few need it

    try:
        # numbers, ranges, steps and names of days and months; not croniter's random times
        field = r"(?:[\d*/,-]|[A-Za-z]{3})+"
        if re.fullmatch(rf"{field}(?: +{field}){{4}}", value.strip()):
            croniter(value).get_next()  # which a 30th of February never has
            return value
    except CroniterError:
        pass
    raise SettingsError(
        f"{key}={value}: expected five fields, minute hour day month weekday, that come true some "
        f"day, as in 0 3 * * *"
    )


def _database_url(key: str, value: str) -> str:
    """The URL as every library takes it; it may hold a password, which no message repeats."""
    scheme, _, rest = value.partition("://")
    if scheme in ("postgres", "postgresql") and rest and _is_url(value):
        return f"postgresql://{rest}"
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return value
    raise SettingsError(
        f"{key}: expected postgresql://user:password@host:port/database or sqlite:////a/file"
    )


def _is_url(value: str) -> bool:
    from sqlalchemy import make_url  # noqa: PLC0415  # slow to import, and few need it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        make_url(value)
    except (ArgumentError, ValueError):  # a port that is no number
        return False
    return True
