"""The README's blocks, run in order in a fresh clone; its outputs and its settings are real."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import requests

from config import Settings
from tests.documents import ROOT, repository_copy, run, sections

README = (ROOT / "README.md").read_text()
IN_CONTAINERS = "Start with Docker Compose"  # which `make compose-test` follows
BLOCKS = [
    block
    for heading, blocks in sections("README.md").items()
    for block in blocks
    if heading != IN_CONTAINERS
]
FIRST_RUN_SECONDS = 300
DECIDED = {  # settings whose default is no constant
    "workers": "cores",
    "database_url": "SQLite in the state folder",
    "database_password": "none",
    "admin_token": "made, in the state folder",
    "retrain_cron": "none",
    "cors_origins": "none",
    "hosts": "any",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, by the README's own words, of a repository with the files of this working tree."""
    folder = tmp_path_factory.mktemp("fresh")
    repository = repository_copy(folder / "repository")
    language, block = BLOCKS[0]
    assert language == "sh"
    run(block.replace("REPOSITORY", str(repository)), folder, dict(os.environ))
    return folder / "numnet"


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
        return number


@pytest.fixture(scope="module")
def environment(port: int) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    # `make test` inside the tests only collects: running would not end
    return kept | {"NUMNET_PORT": str(port), "PYTEST_ADDOPTS": "--collect-only -q"}


@pytest.fixture(scope="module")
def running(clone: Path, environment: dict[str, str], port: int) -> Iterator[str]:
    """`make run` in the clone; its output, once the service is ready."""
    with (clone.parent / "run.log").open("w+") as log:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + FIRST_RUN_SECONDS
            while not _is_ready(port):
                log.seek(0)
                assert process.poll() is None, log.read()
                assert time.monotonic() < deadline, log.read()
                time.sleep(0.1)
            log.seek(0)
            yield log.read()
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=30)
    assert not _is_ready(port)


def test_every_block_does_what_the_readme_says(
    clone: Path, environment: dict[str, str], port: int, running: str
) -> None:
    assert BLOCKS[1] == ("sh", "make run\n")
    assert "version 1 promoted" in running
    output = ""
    for language, block in BLOCKS[2:]:
        if language == "sh":
            output = run(block.replace("127.0.0.1:8000", f"127.0.0.1:{port}"), clone, environment)
        elif language == "json":
            _assert_alike(json.loads(output), json.loads(block))
        elif language == "text":
            assert _without_numbers(output) == _without_numbers(block)
        elif language == "crontab":
            _run_cron_line(block, clone, environment)
        else:
            pytest.fail(f"no way to check a block of {language}")


def test_setup_does_nothing_when_up_to_date(
    clone: Path, environment: dict[str, str], running: str
) -> None:
    assert "Nothing to be done" in run("make setup", clone, environment)


def test_the_settings_table_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(NUMNET_\w+)` \| `?([^|`]+?)`? \|", README, flags=re.M)
    settings = Settings.from_environment({})
    expected = {f"NUMNET_{field.name.upper()}": field.name for field in fields(Settings)}
    assert [name for name, _ in rows] == list(expected)
    for name, default in rows:
        assert default == DECIDED.get(expected[name], str(getattr(settings, expected[name])))


def test_every_benchmark_is_described() -> None:
    makefile = (ROOT / "Makefile").read_text()
    [names] = re.findall(r"^BENCHMARKS := (.*)$", makefile, flags=re.M)
    described = (ROOT / "benchmarks" / "README.md").read_text()
    for name in names.split():
        assert f"`make bench-{name}`" in described
        assert f"### bench-{name}" in described


def test_every_file_that_the_documents_link_to_exists() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


def _run_cron_line(line: str, clone: Path, environment: dict[str, str]) -> None:
    *schedule, command = line.strip().split(" ", 5)
    assert len(schedule) == 5
    assert all(re.fullmatch(r"[\d*/,-]+", part) for part in schedule)
    run(command.replace("/path/to/numnet", str(clone)), clone.parent, environment)
    outcome = json.loads((clone / "train.log").read_text().splitlines()[-1])
    assert outcome["state"] == "promoted"


def _assert_alike(got: Any, documented: Any) -> None:
    """Equal, but for numbers, which another machine's arithmetic may change a little."""
    assert type(got) is type(documented)
    if isinstance(documented, dict):
        assert list(got) == list(documented)
        for key, value in documented.items():
            _assert_alike(got[key], value)
    elif isinstance(documented, list):
        assert len(got) == len(documented)
        for got_item, item in zip(got, documented, strict=True):
            _assert_alike(got_item, item)
    elif isinstance(documented, float):
        assert got == pytest.approx(documented, abs=0.05)
    else:
        assert got == documented


def _without_numbers(text: str) -> str:
    return re.sub(r"\d[\d.e+-]*", "#", text).strip()
