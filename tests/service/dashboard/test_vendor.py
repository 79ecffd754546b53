"""Files of other projects that the dashboard serves: unchanged, recorded and small."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

VENDOR = Path(__file__).resolve().parents[3] / "service/dashboard/static/vendor"
PACKAGES: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())
FILES = {file["name"]: file for package in PACKAGES for file in package["files"]}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_a_vendored_file_has_the_recorded_checksum(name: str) -> None:
    assert _sha256((VENDOR / name).read_bytes()) == FILES[name]["sha256"]


def test_the_only_change_of_a_vendored_file_is_the_recorded_last_line() -> None:
    changed = [file for file in FILES.values() if "appended" in file]
    assert [file["name"] for file in changed] == ["uplot.js"]
    content = (VENDOR / "uplot.js").read_bytes()
    published = content.removesuffix(changed[0]["appended"].encode())
    assert published != content
    assert _sha256(published) == changed[0]["published_sha256"]


def test_every_vendored_file_is_recorded() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {"manifest.json", *FILES}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["package"])
def test_a_vendored_package_states_its_version_and_comes_with_its_licence(
    package: dict[str, Any],
) -> None:
    name = package["package"].rpartition("/")[2]
    assert "MIT License" in (VENDOR / f"{name}.LICENSE").read_text()
    assert package["licence"] == "MIT"
    heads = [(VENDOR / file["name"]).read_text()[:200] for file in package["files"]]
    assert any(f"v{package['version']}" in head for head in heads)


def test_vendored_code_and_styles_take_35_kb_compressed() -> None:
    served = [path for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}]
    assert sum(len(gzip.compress(path.read_bytes())) for path in served) < 35_000
