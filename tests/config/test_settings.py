"""The settings: what each variable accepts, and what is shown of it."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from config import Settings, SettingsError
from config.settings import DECLARATIONS
from config.values import Integer, Number

DEFAULTS = Settings()
RANGES = {
    variable: declared.values
    for variable, declared in DECLARATIONS.items()
    if isinstance(declared.values, Integer | Number)
}

# every other setting: what is accepted, with its value, and what is not
ACCEPTED: dict[str, dict[str, Any]] = {
    "NUMNET_MODELS": {"/srv/models": Path("/srv/models"), "a folder": Path("a folder")},
    "NUMNET_STATE": {"/var/numnet": Path("/var/numnet")},
    "NUMNET_DATA": {"../data": Path("../data")},
    "NUMNET_DATABASE_URL": {
        "sqlite:////jobs.db": "sqlite:////jobs.db",
        "postgres://h/d": "postgresql://h/d",
        "postgresql://u:p@h:5433/d?sslmode=require": "postgresql://u:p@h:5433/d?sslmode=require",
    },
    "NUMNET_ADMIN_TOKEN": {"!~" * 8: "!~" * 8},
    "NUMNET_READ_TOKEN": {"~!" * 8: "~!" * 8},
    "NUMNET_TOKENS_FILE": {"/state/tokens": "/state/tokens", "a file": "a file"},
    "NUMNET_RETRAIN_CRON": {
        "*/5 * * * 1-5": "*/5 * * * 1-5",
        "0 3 1,15 jan mon": "0 3 1,15 jan mon",
        "0 0 29 2 *": "0 0 29 2 *",
    },
    "NUMNET_HOST": {"::": "::", "localhost": "localhost"},
    "NUMNET_CORS_ORIGINS": {
        "http://a:81": ("http://a:81",),
        "https://A, http://b": ("https://a", "http://b"),
    },
    "NUMNET_HOSTS": {"A.example,[::1]": ("a.example", "[::1]")},
    "NUMNET_FORWARDED_ALLOW_IPS": {
        "*": ("*",),
        "127.0.0.1, ::1": ("127.0.0.1/32", "::1/128"),
        "10.0.0.0/8,fd00::/8": ("10.0.0.0/8", "fd00::/8"),
    },
    "NUMNET_MODEL_NAME": {
        each: each for each in ("2nd_plant-A.v1", "statsy", "a", "_a", "1.5", "3.npz.old", "a" * 64)
    },
    "NUMNET_UNSEEN_CATEGORIES": {"name": "name", "refuse": "refuse"},
}
LONG = "t" * 16
WRONG_TOKENS = ["t", "a" * 15, f"{'a' * 16} b", f"{'a' * 16}\n", "\xa0" + "a" * 16, f" {'a' * 16}"]
REFUSED: dict[str, list[str]] = {
    "NUMNET_MODELS": ["s3://key:secret@bucket", "gs://bucket", "file:///models"],
    "NUMNET_STATE": ["s3://bucket"],
    "NUMNET_DATA": ["s3://bucket"],
    "NUMNET_DATABASE_URL": [
        *("x", "mysql://u:secret@h/d", "sqlite://", "sqlite:///", "postgresql://", "postgres:"),
        "postgresql://h:port/d",
    ],
    "NUMNET_ADMIN_TOKEN": WRONG_TOKENS,
    "NUMNET_READ_TOKEN": WRONG_TOKENS,
    "NUMNET_RETRAIN_CRON": [
        *("x", "0 3 * *", "0 3 * * * *", "@daily", "61 * * * *", "* * * * x", "0 0 30 2 *"),
        *("R 3 * * *", "0\t3 * * *"),
    ],
    "NUMNET_CORS_ORIGINS": ["*", "a.example", "https://a/", "https://a,,https://b", "null"],
    "NUMNET_HOSTS": ["a:80", "*.a", "a b", ""","""],
    "NUMNET_FORWARDED_ALLOW_IPS": [
        *("proxy", "10.0.0.1/8", "1.2.3", "1.2.3.4:80", "[::1]", "*,10.0.0.1", "10.0.0.1,", " "),
    ],
    "NUMNET_MODEL_NAME": [
        " ",
        ".",
        "-a",
        "a/b",
        "a:predict",
        "a b",
        "é",
        "a\n",
        "a" * 65,
        "stats",
        "rollback",
        "promotions",
        "7",
        "007",
        "3.npz",
        "..",
        ".a",
    ],
    "NUMNET_UNSEEN_CATEGORIES": ["Name", "ignore", "name,refuse"],
}


def read(variable: str, text: str) -> Settings:
    return Settings.from_environment({variable: text})


def refusal(variable: str, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(variable, text)
    return str(caught.value)


def test_defaults_are_the_settings_of_an_empty_environment() -> None:
    assert Settings.from_environment({}) == DEFAULTS


def test_process_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMNET_PORT", "8123")
    assert Settings.from_environment().port == 8123


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [(name, text, value) for name, each in ACCEPTED.items() for text, value in each.items()]
    + [
        (name, str(bound), bound)
        for name, values in RANGES.items()
        for bound in (values.minimum, values.maximum)
    ],
)
def test_variable_sets_its_field_and_no_other(variable: str, text: str, value: Any) -> None:
    field = variable.removeprefix("NUMNET_").lower()
    assert vars(read(variable, text)) == vars(DEFAULTS) | {field: value}


def test_all_variables_can_be_set_together() -> None:
    environ = {name: next(iter(texts)) for name, texts in ACCEPTED.items()}
    environ |= {name: str(values.maximum) for name, values in RANGES.items()}
    environ |= {"NUMNET_DATABASE_URL": "postgresql://h/d", "NUMNET_DATABASE_PASSWORD": "pw"}
    assert environ.keys() == DECLARATIONS.keys()
    assert vars(Settings.from_environment(environ)).keys() == vars(DEFAULTS).keys()


@pytest.mark.parametrize("variable", DECLARATIONS)
def test_empty_variable_counts_as_not_set(variable: str) -> None:
    assert read(variable, "") == DEFAULTS


@pytest.mark.parametrize("variable", RANGES)
@pytest.mark.parametrize("text", ["below", "above", "x", "80x", "1_0", "nan", " ", "9" * 5000])
def test_number_out_of_its_range_is_refused(variable: str, text: str) -> None:
    values = RANGES[variable]
    bounds = {"below": str(values.minimum - 1), "above": str(values.maximum + 1)}
    text = bounds.get(text, text)
    assert refusal(variable, text) == f"{variable}={text}: expected {values.expected}"


@pytest.mark.parametrize("text", ["8.0", "1e3", "0x50"])
def test_whole_number_is_written_in_digits(text: str) -> None:
    assert refusal("NUMNET_PORT", text) == (
        f"NUMNET_PORT={text}: expected a whole number from 0 to 65535"
    )


@pytest.mark.parametrize(
    ("variable", "text"), [(name, text) for name, texts in REFUSED.items() for text in texts]
)
def test_other_values_are_refused_with_what_is_expected(variable: str, text: str) -> None:
    declared = DECLARATIONS[variable]
    shown = "" if declared.secret or "@" in text else f"={text}"
    assert refusal(variable, text) == f"{variable}{shown}: expected {declared.values.expected}"


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.port = 1  # type: ignore[misc]  # that it cannot be set is the point


# Secrets

SECRET = Settings(
    database_url="postgresql://u:secret@h/d",
    database_password="secret",
    admin_token="secret",
    read_token="secret too",
    port=81,
)


def test_repr_does_not_show_secrets() -> None:
    assert "secret" not in repr(SECRET)


def test_log_shows_every_setting_and_of_secrets_whether_they_are_set() -> None:
    shown = SECRET.in_force()
    assert set(shown) == set(vars(SECRET))
    assert (shown["port"], shown["models"], shown["gate_margin"]) == (81, "models", 0.0)
    assert (shown["database_url"], DEFAULTS.in_force()["database_password"]) == ("set", "not set")
    assert read("NUMNET_HOSTS", "a,b").in_force()["hosts"] == "a,b"
    assert "secret" not in json.dumps(shown)


def test_error_repeats_neither_a_token_nor_the_password_of_a_url() -> None:
    for variable, text in (
        ("NUMNET_ADMIN_TOKEN", "my secret"),
        ("NUMNET_READ_TOKEN", "my secret"),
        ("NUMNET_DATABASE_URL", "mysql://u:secret@h/d"),
        ("NUMNET_MODELS", "s3://key:secret@bucket"),
    ):
        assert "secret" not in refusal(variable, text)


def test_read_token_that_is_the_admin_token_is_refused() -> None:
    with pytest.raises(SettingsError, match="NUMNET_READ_TOKEN: expected another"):
        Settings.from_environment(dict.fromkeys(("NUMNET_READ_TOKEN", "NUMNET_ADMIN_TOKEN"), LONG))


def test_refusal_of_a_short_token_says_how_to_make_one() -> None:
    assert "openssl rand -hex 32" in refusal("NUMNET_ADMIN_TOKEN", "short")


# The database of jobs


def test_jobs_are_in_the_state_folder_by_default(tmp_path: Path) -> None:
    assert Settings(state=tmp_path).jobs_url == f"sqlite:///{tmp_path}/jobs.sqlite"
    assert Settings(database_url="postgresql://h/d").jobs_url == "postgresql://h/d"


@pytest.mark.parametrize("password", ["word", "p@ss:w/rd %20?#", "ö"])
def test_password_completes_the_url(password: str) -> None:
    environ = {
        "NUMNET_DATABASE_URL": "postgresql://ada@host:5433/jobs?sslmode=require",
        "NUMNET_DATABASE_PASSWORD": password,
    }
    url = make_url(Settings.from_environment(environ).jobs_url)
    assert (url.username, url.password, url.host, url.port) == ("ada", password, "host", 5433)
    assert (url.database, url.query) == ("jobs", {"sslmode": "require"})


@pytest.mark.parametrize("url", ["", "sqlite:////jobs.db", "postgresql://ada:other@host/jobs"])
def test_password_without_a_url_that_lacks_it_is_refused(url: str) -> None:
    environ = {"NUMNET_DATABASE_URL": url, "NUMNET_DATABASE_PASSWORD": "secret"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environ)
    assert str(caught.value) == (
        "NUMNET_DATABASE_PASSWORD: expected a NUMNET_DATABASE_URL of PostgreSQL without one"
    )
