"""The compose files, .env.example and the settings of the code agree."""

import re
import tomllib
from dataclasses import fields
from typing import Any

import yaml

from config import Settings
from tests.documents import ROOT

FIXED = {"NUMNET_MODELS", "NUMNET_STATE", "NUMNET_DATA"}  # the mount points of the volumes
SETTINGS = {f"NUMNET_{field.name.upper()}": field.name for field in fields(Settings)}
EXAMPLE = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), flags=re.M))
FILES = [(ROOT / f"docker-compose{part}.yml").read_text() for part in ("", ".scale")]


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILES[0])["services"]
    return found


def test_every_setting_reaches_a_container() -> None:
    passed = services()["service"]["environment"] | services()["trainer"]["environment"]
    ports = services()["service"]["ports"]
    assert ports == ["${NUMNET_HOST:-127.0.0.1}:${NUMNET_PORT:-8000}:8000"]
    for name in set(SETTINGS) - FIXED:
        assert name in EXAMPLE, name
        if name not in ("NUMNET_HOST", "NUMNET_PORT"):
            assert re.fullmatch(rf"\$\{{{name}:-[^}}]*\}}", passed[name]), name


def test_example_has_the_defaults() -> None:
    settings = Settings.from_environment({})
    for name, value in EXAMPLE.items():
        passed_on = re.findall(rf"\$\{{{name}:-([^}}]*)\}}", "".join(FILES))
        if name in SETTINGS and name != "NUMNET_WORKERS":
            default = getattr(settings, SETTINGS[name])
            assert value == ("" if default == () else str(default)), name
            assert set(passed_on) <= {"", value}, name
        elif name != "COMPOSE_FILE":
            assert set(passed_on) == {value}, name


def test_every_variable_of_the_files_is_in_the_example() -> None:
    assert set(re.findall(r"\$\{(\w+)", "".join(FILES))) <= set(EXAMPLE)


def test_image_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in (ROOT / "Dockerfile").read_text()


def test_image_sets_its_folders() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"(NUMNET_\w+)=/\w+", dockerfile)) == FIXED
    for service in services().values():
        for mount in service["volumes"]:
            volume, folder = mount.split(":")
            assert f"NUMNET_{volume.upper()}={folder}" in dockerfile
