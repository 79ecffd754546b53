"""Every setting, declared once: its default, its values and its description."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from config import model_names
from config.declaration import Declaration, setting
from config.environment import PREFIX, SettingsError, read_variables
from config.processors import available_processors
from config.values import (
    CronExpression,
    DatabaseUrl,
    Folder,
    Integer,
    Names,
    Networks,
    Number,
    OneOf,
    Text,
)

TOKEN = Text(
    r"[!-~]{16,}",
    "at least 16 printable ASCII characters without spaces, such as `openssl rand -hex 32` prints",
)


@dataclass(frozen=True)
class Settings:
    """The settings of a process. The variable of a field is `NUMNET_` and its name in capitals."""

    models: Path = setting(Path("models"), Folder(), "folder of the versions")
    state: Path = setting(
        Path("var"), Folder(), "folder of the jobs, the checkpoints and the admin token"
    )
    database_url: str = setting(
        "",
        DatabaseUrl(),
        "database of the jobs; `postgresql://user:password@host/database` for several machines",
        if_unset="SQLite in the state folder",
        secret=True,  # it may contain a password
    )
    database_password: str = setting(
        "",
        Text(r"(?s).+", "a password"),
        "password of that database, if the URL has none",
        if_unset="none",
        secret=True,
    )
    data: Path = setting(
        Path("data"), Folder(), "folder of the tables; a job can use no table outside it"
    )
    admin_token: str = setting(
        "",
        TOKEN,
        "bearer token that requests must carry if they change something; at least 16 characters",
        if_unset="made, in the state folder",
        secret=True,
    )
    read_token: str = setting(
        "",
        TOKEN,
        "bearer token that all other requests must carry, except for `/livez`, `/readyz` and "
        "`/ping`; the admin token will do too",
        if_unset="none: reading needs no token",
        secret=True,
    )
    tokens_file: str = setting(
        "",
        Text(r"(?s).+", "the path of a file"),
        "file of further tokens, each with its rights and its models; if it is set, reading needs "
        "a token too; changes are followed without a restart",
        if_unset="none",
    )
    retrain_cron: str = setting(
        "",
        CronExpression(),
        "schedule of retrainings, minute hour day month weekday: of the default model, and of each "
        "other one that was trained from a table; unless it has a schedule of its own",
        if_unset="none",
    )
    jobs_at_once: int = setting(
        1,
        Integer(1, 64),
        "number of retraining jobs that run at a time, each for another model; the trainer's value "
        "counts",
    )
    gate_margin: float = setting(
        0.0,
        Number(-0.99, 1_000_000),
        "fraction by which a new version may be worse than the current version; `-0.05` means that "
        "it must be 5 % better",
    )
    keep_versions: int = setting(
        50,
        Integer(2, 1_000_000),
        "number of versions kept; the current version and the one before it are always kept",
    )
    host: str = setting(
        "127.0.0.1",
        Text(r"(?s).+", "an address or a name"),
        "address on which the service listens",
    )
    port: int = setting(8000, Integer(0, 65_535), "port on which the service listens")
    workers: int = setting(
        available_processors,
        Integer(1, 1_024),
        "number of server processes; in a container, the default is the number of cores that the "
        "container may use",
        if_unset="cores",
    )
    threads: int = setting(
        4, Integer(1, 1_024), "threads in the thread pool of each server process"
    )
    max_waiting: int = setting(
        64,
        Integer(0, 1_000_000),
        "length of the queue for those threads, in each process; when it is full, requests get a "
        "503 immediately",
    )
    deadline_seconds: float = setting(
        30.0, Number(0.1, 3_600), "timeout of a request; after it the client gets a 503"
    )
    max_body_bytes: int = setting(
        16 * 1024 * 1024, Integer(1_024, 2**31), "size limit of a request body"
    )
    max_data_bytes: int = setting(
        256 * 1024 * 1024,
        Integer(1_024, 2**40),
        "size limit of a table that is uploaded, before and after decompression",
    )
    cors_origins: tuple[str, ...] = setting(
        (),
        Names(r"https?://[a-z0-9.-]+(:\d+)?", "origins such as https://a.example, with commas"),
        "origins whose web pages may call the API: `https://a.example,https://b.example`",
        if_unset="none",
    )
    hosts: tuple[str, ...] = setting(
        (),
        Names(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]", "host names without ports, with commas"),
        "accepted values of the `Host` header, separated by commas",
        if_unset="any",
    )
    forwarded_allow_ips: tuple[str, ...] = setting(
        (),
        Networks(),
        "addresses or networks of the proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` "
        "headers are trusted, separated by commas; `*` for all",
        if_unset="none",
    )
    model_name: str = setting(
        "numnet",
        Text(model_names.PATTERN, model_names.EXPECTED),
        "name of the default model, which paths without a name mean",
    )

    models_in_memory: int = setting(
        128 * 1024 * 1024,
        Integer(0, 2**40),
        "memory of each server process for models besides the default one, in bytes; those that "
        "were not used for longest leave it, and the one used last stays",
    )
    unseen_categories: str = setting(
        "name",
        OneOf(("name", "refuse")),
        "what to do with a category that training had not: `name` it in the response, as `unseen`, "
        "or `refuse` the request",
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings from environment variables, as `config.environment` describes.

        Raises
        ------
        SettingsError
            a value or a file that cannot be used.
        """
        texts = read_variables(DECLARATIONS, environ)
        values = {
            variable.removeprefix(PREFIX).lower(): DECLARATIONS[variable].parse(variable, text)
            for variable, text in texts.items()
        }
        settings = cls(**values)
        if settings.database_password:
            _check_password_is_missing(settings.database_url)
        if settings.read_token and settings.read_token == settings.admin_token:
            raise SettingsError(f"{PREFIX}READ_TOKEN: expected another token than the admin's")
        return settings

    @property
    def jobs_url(self) -> str:
        """Return the URL of the database of jobs, with its password."""
        if not self.database_url:
            return f"sqlite:///{(self.state / 'jobs.sqlite').absolute()}"
        if not self.database_password:
            return self.database_url
        from sqlalchemy import make_url  # noqa: PLC0415  # slow to import, and rarely needed

        url = make_url(self.database_url).set(password=self.database_password)
        return url.render_as_string(hide_password=False)

    def in_force(self) -> dict[str, str | int | float]:
        """Return every setting for the log; a secret only as "set" or "not set"."""
        return {
            each.name: each.metadata["setting"].shown(getattr(self, each.name))
            for each in fields(self)
        }


DECLARATIONS: dict[str, Declaration] = {
    f"{PREFIX}{each.name.upper()}": each.metadata["setting"] for each in fields(Settings)
}


def _check_password_is_missing(database_url: str) -> None:
    parts = urlsplit(database_url)
    if parts.scheme != "postgresql" or parts.password is not None:
        raise SettingsError(
            f"{PREFIX}DATABASE_PASSWORD: expected a {PREFIX}DATABASE_URL of PostgreSQL without one"
        )
