"""The environment, read once: what is taken, and what each refusal says."""

import os
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from registry import Settings, SettingsError

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
        ("NUMNET_HOST", "::", "host", "::"),
        ("NUMNET_PORT", "0", "port", 0),
        ("NUMNET_PORT", "65535", "port", 65_535),
        ("NUMNET_WORKERS", "1", "workers", 1),
        ("NUMNET_WORKERS", "1024", "workers", 1024),
        ("NUMNET_THREADS", "1", "threads", 1),
        ("NUMNET_THREADS", "1024", "threads", 1024),
        ("NUMNET_MAX_BODY_BYTES", "1024", "max_body_bytes", 1024),
        ("NUMNET_MAX_BODY_BYTES", "2147483648", "max_body_bytes", 2**31),
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
            "NUMNET_HOST": "0.0.0.0",
            "NUMNET_PORT": "80",
            "NUMNET_WORKERS": "3",
            "NUMNET_THREADS": "5",
            "NUMNET_MAX_BODY_BYTES": "2048",
        }
    ) == Settings(Path("m"), Path("s"), "0.0.0.0", 80, 3, 5, 2048)


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
        f"{variable} is not a setting; there are NUMNET_MODELS, NUMNET_STATE, NUMNET_HOST, "
        "NUMNET_PORT, NUMNET_WORKERS, NUMNET_THREADS, NUMNET_MAX_BODY_BYTES"
    )


def test_the_process_environment_is_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMNET_PORT", "8123")
    assert Settings.from_environment().port == 8123


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        DEFAULTS.port = 1  # type: ignore[misc]  # that it cannot be set is the point
