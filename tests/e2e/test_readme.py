"""Execute the README and the docs in a fresh clone and compare the outputs with those shown."""

import json
import os
import re
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from benchmarks.ports import free_port
from registry import Registry
from tests.documents import Block, repository_copy, run, run_in_one_shell, sections
from tests.patience import DEADLINE_SECONDS, seconds, until
from tests.single_network import network
from trainer.data.synthetic import synthetic_table

pytestmark = pytest.mark.slow

EXECUTED = [
    "README.md",
    "docs/http.md",
    "docs/training.md",
    "docs/walkthroughs.md",
    "docs/operations.md",
]
CHECKED_ELSEWHERE = {  # by tests that name these sections: see tests/docs/test_code_blocks.py
    ("README.md", "Start with Docker Compose"),
    ("docs/http.md", "The Open Inference Protocol"),
    ("docs/operations.md", "Monitoring"),
}
FIRST_RUN_SECONDS = 300.0
SHUTDOWN_SECONDS = 30.0


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone a repository with the files of this working tree, by the README's first block."""
    folder = tmp_path_factory.mktemp("fresh")
    repository = repository_copy(folder / "repository")
    language, block = blocks("README.md")[0]
    assert language == "sh"
    run(block.replace("REPOSITORY", str(repository)), folder, dict(os.environ))
    return folder / "numnet"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def environment(port: int) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    # the `make test` of the README only collects some tests, because it would run this one again
    return kept | {
        "NUMNET_PORT": str(port),
        "NUMNET_URL": f"http://127.0.0.1:{port}",  # for the command
        "PYTEST_ADDOPTS": "--collect-only -q tests/config",
    }


@pytest.fixture(scope="module")
def running(clone: Path, environment: dict[str, str], port: int) -> Iterator[str]:
    """Execute `make run` in the clone; yield its output when the service is ready."""
    log = clone.parent / "run.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        return is_ready(port)

    try:
        until(ready, FIRST_RUN_SECONDS, "`make run` did not become ready")
        share_test_tools(clone)
        yield log.read_text()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=seconds(SHUTDOWN_SECONDS))
    assert not is_ready(port)


def share_test_tools(clone: Path) -> None:
    """Let `make test` in the clone use the packages of this run: installing takes a minute."""
    [packages] = (clone / ".venv/lib").glob("python*/site-packages")
    (packages / "test-tools.pth").write_text(sysconfig.get_path("purelib"))
    (clone / ".venv/dev.installed").touch()


def test_make_run_trains_a_first_version_that_learns_the_example_task(
    clone: Path, running: str
) -> None:
    assert blocks("README.md")[1] == ("sh", "make run\n")
    assert "version 1 promoted" in running
    version = Registry.local(clone / "models").load(1)
    assert network(version.model).architecture.sizes == (4, 32, 16, 1)
    assert version.calibration is not None
    assert len(version.calibration) == 500
    assert version.card["metrics"]["test"]["mse"] <= 1e-6
    fresh = synthetic_table(5000, seed=999)
    assert np.mean((version.model.predict(fresh.X) - fresh.Y) ** 2) <= 1e-6


def test_setup_does_nothing_when_up_to_date(
    clone: Path, environment: dict[str, str], running: str
) -> None:
    assert "Nothing to be done" in run("make setup", clone, environment)


@pytest.mark.parametrize("document", EXECUTED)
@pytest.mark.usefixtures("running")
def test_every_block_does_what_the_document_says(
    document: str, clone: Path, environment: dict[str, str], port: int
) -> None:
    promote_the_first_version(clone, port)
    todo = blocks(document)[2:] if document == "README.md" else blocks(document)
    scripts = [
        (code if language == "sh" else f"python - <<'END_OF_CODE'\n{code}END_OF_CODE\n").replace(
            "127.0.0.1:8000", f"127.0.0.1:{port}"
        )
        for language, code in todo
        if language in ("sh", "python")
    ]
    outputs = iter(run_in_one_shell(scripts, clone, environment, FIRST_RUN_SECONDS))
    output = ""
    for language, code in todo:
        if language in ("sh", "python"):
            output = next(outputs)
        elif language == "json":
            assert_same_json(json.loads(output), json.loads(code, parse_float=Decimal))
        elif language == "text":
            assert re.fullmatch(pattern(code), without_numbers(output)), f"{output}\n≠\n{code}"
        else:
            assert language == "crontab"
            run_cron_line(code, clone, environment)


@pytest.mark.parametrize(
    ("got", "shown", "same"),
    [
        ('{"a": 0.38439}', '{"a": 0.3844}', True),
        ('{"a": 0.3847}', '{"a": 0.3844}', False),
        ('{"a": [1]}', '{"a": [2]}', False),
        ('{"a": "17"}', '{"a": "1"}', True),
        ('{"a": "b"}', '{"a": "c"}', False),
        ('{"a": 0.0, "b": 1}', '{"b": 1, "a": 0.0}', False),
    ],
)
def test_json_is_compared_up_to_rounding(got: str, shown: str, same: bool) -> None:
    def compare() -> None:
        assert_same_json(json.loads(got), json.loads(shown, parse_float=Decimal))

    if same:
        compare()
    else:
        with pytest.raises(AssertionError):
            compare()


def blocks(document: str) -> list[Block]:
    """Return the blocks of a document that this module executes."""
    return [
        block
        for heading, found in sections(document).items()
        for block in found
        if (document, heading) not in CHECKED_ELSEWHERE and block[0] != "console"
    ]


def is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=DEADLINE_SECONDS).ok
    except requests.ConnectionError:
        return False


def promote_the_first_version(clone: Path, port: int) -> None:
    """Make the example task's version current, with which every document begins."""
    token = (clone / "var" / "admin-token").read_text().strip()
    requests.post(
        f"http://127.0.0.1:{port}/models/1/promote",
        headers={"Authorization": f"Bearer {token}"},
        timeout=DEADLINE_SECONDS,
    ).raise_for_status()


def run_cron_line(line: str, clone: Path, environment: dict[str, str]) -> None:
    *schedule, command = line.strip().split(" ", 5)
    assert len(schedule) == 5
    assert all(re.fullmatch(r"[\d*/,-]+", part) for part in schedule)
    run(command.replace("/path/to/numnet", str(clone)), clone.parent, environment)
    outcome = json.loads((clone / "train.log").read_text().splitlines()[-1])
    assert outcome["state"] == "unchanged"  # since the command before it in the document


def assert_same_json(got: Any, shown: Any) -> None:
    """Compare a response with the one that a document shows.

    Fractions may differ by two units of the last digit shown, because another processor rounds
    differently. Version numbers are not compared, because they depend on what was run before.
    """
    if isinstance(shown, dict):
        assert list(got) == list(shown)
        for key, value in shown.items():
            assert_same_json(got[key], value)
    elif isinstance(shown, list):
        assert len(got) == len(shown)
        for got_item, item in zip(got, shown, strict=True):
            assert_same_json(got_item, item)
    elif isinstance(shown, Decimal):
        exponent = shown.as_tuple().exponent
        assert isinstance(exponent, int)
        assert isinstance(got, float)
        assert got == pytest.approx(float(shown), abs=2.001 * 10**exponent)
    elif isinstance(shown, str) and shown.isdigit():
        assert isinstance(got, str)
        assert got.isdigit()
    else:
        assert got == shown


def without_numbers(text: str) -> str:
    return re.sub(r"\d[\d.e+-]*", "#", text).strip()


def pattern(text: str) -> str:
    """Return a regular expression for an output whose numbers may differ; `…` stands for lines."""
    escaped = re.escape(without_numbers(text))
    return escaped.replace("\\\n…", r"(?:\n[\s\S]*)?").replace("…", r"[\s\S]*")
