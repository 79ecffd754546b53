"""The environment, read once: what is taken, and what each refusal says."""

import json
import os
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from config import Settings, SettingsError
from config.settings import _cores

DEFAULTS = Settings()


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Settings.from_environment({}) == DEFAULTS
    assert (DEFAULTS.models, DEFAULTS.state) == (Path("models"), Path("var"))
    assert (DEFAULTS.host, DEFAULTS.port) == ("127.0.0.1", 8000)
    assert DEFAULTS.threads == 4
    assert DEFAULTS.max_body_bytes == 16 * 1024 * 1024


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="sets the cores, as Linux can")
def test_there_is_a_worker_for_each_core_this_process_may_use() -> None:
    cores = os.sched_getaffinity(0)
    assert Settings().workers == len(cores)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert Settings().workers == Settings.from_environment({}).workers == 1
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("NUMNET_MODELS", "/srv/models", "models", Path("/srv/models")),
        ("NUMNET_MODELS", "a folder", "models", Path("a folder")),
        ("NUMNET_STATE", "/var/numnet", "state", Path("/var/numnet")),
        ("NUMNET_DATA", "/srv/data", "data", Path("/srv/data")),
        ("NUMNET_DATABASE_URL", "sqlite:////jobs.db", "database_url", "sqlite:////jobs.db"),
        ("NUMNET_DATABASE_URL", "postgres://h/d", "database_url", "postgresql://h/d"),
        ("NUMNET_DATABASE_URL", "postgresql://h/d", "database_url", "postgresql://h/d"),
        ("NUMNET_ADMIN_TOKEN", "!~", "admin_token", "!~"),
        ("NUMNET_RETRAIN_CRON", "*/5 * * * 1-5", "retrain_cron", "*/5 * * * 1-5"),
        ("NUMNET_GATE_MARGIN", "-0.5", "gate_margin", -0.5),
        ("NUMNET_KEEP_VERSIONS", "2", "keep_versions", 2),
        ("NUMNET_HOST", "::", "host", "::"),
        ("NUMNET_PORT", "0", "port", 0),
        ("NUMNET_PORT", "65535", "port", 65_535),
        ("NUMNET_WORKERS", "1", "workers", 1),
        ("NUMNET_WORKERS", "1024", "workers", 1024),
        ("NUMNET_THREADS", "1", "threads", 1),
        ("NUMNET_THREADS", "1024", "threads", 1024),
        ("NUMNET_MAX_WAITING", "0", "max_waiting", 0),
        ("NUMNET_DEADLINE_SECONDS", "0.5", "deadline_seconds", 0.5),
        ("NUMNET_MAX_BODY_BYTES", "1024", "max_body_bytes", 1024),
        ("NUMNET_MAX_BODY_BYTES", "2147483648", "max_body_bytes", 2**31),
        ("NUMNET_CORS_ORIGINS", "http://a:81", "cors_origins", ("http://a:81",)),
        ("NUMNET_CORS_ORIGINS", "https://A, http://b", "cors_origins", ("https://a", "http://b")),
        ("NUMNET_HOSTS", "A.example,[::1]", "hosts", ("a.example", "[::1]")),
        ("NUMNET_MODEL_NAME", "2nd_plant-A.v1", "model_name", "2nd_plant-A.v1"),
        ("NUMNET_MODEL_NAME", "statsy", "model_name", "statsy"),
    ],
)
def test_a_variable_sets_its_field_and_no_other(
    variable: str, value: str, field: str, expected: Any
) -> None:
    settings = Settings.from_environment({variable: value, "PATH": "/bin", "HOME": "/"})
    assert vars(settings) == vars(DEFAULTS) | {field: expected}


def test_every_variable_may_be_set_at_once() -> None:
    assert Settings.from_environment(
        {
            "NUMNET_MODELS": "m",
            "NUMNET_STATE": "s",
            "NUMNET_DATABASE_URL": "postgres://u@h/d",
            "NUMNET_DATABASE_PASSWORD": "pw",
            "NUMNET_DATA": "d",
            "NUMNET_ADMIN_TOKEN": "t0ken!",
            "NUMNET_RETRAIN_CRON": "0 3 * * *",
            "NUMNET_GATE_MARGIN": "0.05",
            "NUMNET_KEEP_VERSIONS": "7",
            "NUMNET_HOST": "0.0.0.0",
            "NUMNET_PORT": "80",
            "NUMNET_WORKERS": "3",
            "NUMNET_THREADS": "5",
            "NUMNET_MAX_BODY_BYTES": "2048",
            "NUMNET_CORS_ORIGINS": "https://a",
            "NUMNET_HOSTS": "b",
            "NUMNET_MODEL_NAME": "plant",
        }
    ) == Settings(
        models=Path("m"),
        state=Path("s"),
        database_url="postgresql://u@h/d",
        database_password="pw",
        data=Path("d"),
        admin_token="t0ken!",
        retrain_cron="0 3 * * *",
        gate_margin=0.05,
        keep_versions=7,
        host="0.0.0.0",
        port=80,
        workers=3,
        threads=5,
        max_body_bytes=2048,
        cors_origins=("https://a",),
        hosts=("b",),
        model_name="plant",
    )


@pytest.mark.parametrize("field", vars(DEFAULTS))
def test_an_empty_variable_counts_as_not_set(field: str) -> None:
    assert Settings.from_environment({f"NUMNET_{field.upper()}": ""}) == DEFAULTS


@pytest.mark.parametrize(
    ("variable", "least", "greatest"),
    [
        ("NUMNET_PORT", 0, 65_535),
        ("NUMNET_WORKERS", 1, 1024),
        ("NUMNET_THREADS", 1, 1024),
        ("NUMNET_MAX_BODY_BYTES", 1024, 2**31),
        ("NUMNET_KEEP_VERSIONS", 2, 1_000_000),
    ],
)
@pytest.mark.parametrize(
    "value", ["below", "above", "-1", "x", "80x", "8.0", "1e3", "0x50", " ", "true", "9" * 5000]
)
def test_a_number_out_of_its_range_is_refused(
    variable: str, least: int, greatest: int, value: str
) -> None:
    given = {"below": str(least - 1), "above": str(greatest + 1)}.get(value, value)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: given})
    assert str(caught.value) == (
        f"{variable}={given}: expected a whole number from {least} to {greatest}"
    )


@pytest.mark.parametrize("value", ["-1", "x", "nan", "inf", "1e7", " "])
def test_a_margin_out_of_its_range_is_refused(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_GATE_MARGIN": value})
    assert str(caught.value) == (
        f"NUMNET_GATE_MARGIN={value}: expected a number from -0.99 to 1000000"
    )


@pytest.mark.parametrize(
    "value", ["x", "0 3 * *", "0 3 * * * *", "@daily", "61 * * * *", "* * * * x"]
)
def test_a_schedule_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_RETRAIN_CRON": value})
    assert str(caught.value) == (
        f"NUMNET_RETRAIN_CRON={value}: expected five fields, minute hour day month weekday, "
        "that come true some day, as in 0 3 * * *"
    )


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "mysql://u:secret@h/d",
        "sqlite://",
        "sqlite:///",
        "postgresql://",
        "postgres:",
        "postgresql://h:port/d",
    ],
)
def test_another_database_is_refused_without_repeating_its_password(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_DATABASE_URL": value})
    assert str(caught.value) == (
        "NUMNET_DATABASE_URL: expected postgresql://user:password@host:port/database or "
        "sqlite:////a/file"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NUMNET_CORS_ORIGINS", "*"),
        ("NUMNET_CORS_ORIGINS", "a.example"),
        ("NUMNET_CORS_ORIGINS", "https://a/"),
        ("NUMNET_CORS_ORIGINS", "https://a,,https://b"),
        ("NUMNET_CORS_ORIGINS", "null"),
        ("NUMNET_HOSTS", "a:80"),
        ("NUMNET_HOSTS", "*.a"),
        ("NUMNET_HOSTS", "a b"),
    ],
)
def test_a_list_with_an_item_of_another_kind_is_refused(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}: .*: expected "):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize("value", ["a b", "a\n", "tö", " x"])
def test_a_token_that_no_header_carries_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_ADMIN_TOKEN": value})
    assert str(caught.value) == (
        "NUMNET_ADMIN_TOKEN: expected printable ASCII characters without spaces"
    )


def test_secrets_are_not_shown() -> None:
    settings = Settings(
        database_url="postgresql://u:secret@h/d", database_password="secret", admin_token="secret"
    )
    assert "secret" not in repr(settings)


def test_what_is_in_force_can_be_logged() -> None:
    settings = Settings(database_url="postgresql://u:secret@h/d", admin_token="secret", port=81)
    shown = settings.in_force()
    assert set(shown) == set(vars(settings))
    assert (shown["port"], shown["models"], shown["gate_margin"]) == (81, "models", 0.0)
    assert (shown["database_url"], shown["database_password"]) == ("set", "not set")
    assert "secret" not in json.dumps(shown)


def test_jobs_are_kept_in_the_state_folder_by_default(tmp_path: Path) -> None:
    assert Settings(state=tmp_path).jobs_url == f"sqlite:///{tmp_path}/jobs.sqlite"
    assert Settings(database_url="postgresql://h/d").jobs_url == "postgresql://h/d"


@pytest.mark.parametrize("password", ["word", "p@ss:w/rd %20?#", "ö"])
def test_a_password_completes_the_url(password: str) -> None:
    given = {
        "NUMNET_DATABASE_URL": "postgresql://ada@host:5433/jobs?sslmode=require",
        "NUMNET_DATABASE_PASSWORD": password,
    }
    url = make_url(Settings.from_environment(given).jobs_url)
    assert (url.username, url.password, url.host, url.port) == ("ada", password, "host", 5433)
    assert (url.database, url.query) == ("jobs", {"sslmode": "require"})


@pytest.mark.parametrize("url", ["", "sqlite:////jobs.db", "postgresql://ada:other@host/jobs"])
def test_a_password_that_does_not_go_with_the_url_is_refused(url: str) -> None:
    given = {"NUMNET_DATABASE_URL": url, "NUMNET_DATABASE_PASSWORD": "secret"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(given)
    assert str(caught.value) == (
        "NUMNET_DATABASE_PASSWORD: expected a NUMNET_DATABASE_URL of PostgreSQL without one"
    )


@pytest.mark.parametrize("content", ["a-token", "a-token\n", "a-token\r\n"])
def test_a_file_may_hold_the_value(content: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(content)
    (tmp_path / "port").write_text("81\n")
    given = {
        "NUMNET_ADMIN_TOKEN_FILE": str(tmp_path / "token"),
        "NUMNET_PORT_FILE": str(tmp_path / "port"),
        "NUMNET_HOST_FILE": "",
    }
    assert Settings.from_environment(given) == Settings(admin_token="a-token", port=81)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\xff", "no text"),
    ],
)
def test_a_file_that_holds_no_value_is_refused(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_ADMIN_TOKEN_FILE": str(path)})
    assert str(caught.value) == f"NUMNET_ADMIN_TOKEN_FILE={path}: {reason}"


@pytest.mark.parametrize("names", [("", "_FILE"), ("_FILE", "")])
def test_a_value_and_its_file_exclude_each_other(names: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    given = {f"NUMNET_ADMIN_TOKEN{name}": str(tmp_path / "secret") for name in names}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(given)
    assert str(caught.value) == (
        "NUMNET_ADMIN_TOKEN and NUMNET_ADMIN_TOKEN_FILE are both set: expected one of them"
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 4),
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu.max": "6400000 100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "200000\n"}, 4),
    ],
)
def test_a_container_has_the_processors_it_is_given(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert _cores(tmp_path) == expected


@pytest.mark.parametrize(
    "name", [" ", ".", "-a", "a/b", "a:predict", "a b", "é", "a\n", "a" * 65, "stats"]
)
def test_a_model_name_that_paths_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_MODEL_NAME": name})
    assert str(caught.value).startswith(f"NUMNET_MODEL_NAME={name}: expected up to 64 letters")


@pytest.mark.parametrize("models", ["s3://key:secret@bucket", "gs://bucket", "file:///models"])
def test_object_storage_is_refused(models: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"NUMNET_MODELS": models})
    assert str(caught.value) == (
        "NUMNET_MODELS: expected a folder; object storage is not supported"
    )


@pytest.mark.parametrize("variable", ["NUMNET_PROT", "NUMNET_port", "NUMNET_", "NUMNET__CORES"])
def test_an_unknown_variable_is_warned_of(variable: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.from_environment({"NUMNET_PORT": "80", variable: "tcp://10.0.0.1:80"})
    assert vars(settings) == vars(DEFAULTS) | {"port": 80}
    [message] = caplog.messages
    assert message == (
        f"{variable} is not a setting; there are NUMNET_MODELS, NUMNET_STATE, "
        "NUMNET_DATABASE_URL, NUMNET_DATABASE_PASSWORD, NUMNET_DATA, NUMNET_ADMIN_TOKEN, "
        "NUMNET_RETRAIN_CRON, NUMNET_GATE_MARGIN, NUMNET_KEEP_VERSIONS, NUMNET_HOST, "
        "NUMNET_PORT, NUMNET_WORKERS, NUMNET_THREADS, NUMNET_MAX_WAITING, "
        "NUMNET_DEADLINE_SECONDS, NUMNET_MAX_BODY_BYTES, NUMNET_CORS_ORIGINS, NUMNET_HOSTS, "
        "NUMNET_MODEL_NAME"
    )


def test_the_process_environment_is_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMNET_PORT", "8123")
    assert Settings.from_environment().port == 8123


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.port = 1  # type: ignore[misc]  # that it cannot be set is the point
