"""Execute the examples of docs/client.md, and compare the outputs with those shown."""

import contextlib
import io
import re
from pathlib import Path

import pytest

import numnet
from tests.client.training import training_service
from tests.documents import ROOT, sections
from tests.e2e.conftest import ADMIN_TOKEN

pytestmark = pytest.mark.slow

SECTIONS = [
    "Connect",
    "Predict",
    "Errors",
    "Train on a table",
    "Judge, promote and roll back",
    "Take a model away",
    "Everything else",
]


def test_every_example_does_what_the_manual_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = sections("docs/client.md")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with training_service(tmp_path) as service:
        with numnet.Client(service.url, token=ADMIN_TOKEN) as admin:
            admin.retrain(samples=1000, max_seconds=10, target_mse=1e-4, wait=True)
        names: dict[str, object] = {"TOKEN": ADMIN_TOKEN}
        output = ""
        for language, code in [block for name in SECTIONS for block in found[name]]:
            here = code.replace("http://127.0.0.1:8000", service.url)
            if language == "python":
                with contextlib.redirect_stdout(io.StringIO()) as written:
                    exec(compile(here, "docs/client.md", "exec"), names)
                output = written.getvalue()
            else:
                assert language == "text"
                assert without_fractions(output) == without_fractions(here)
        client = names["client"]
        assert isinstance(client, numnet.Client)
        client.close()


def test_every_section_with_python_is_executed() -> None:
    found = sections("docs/client.md")
    assert [name for name, blocks in found.items() if "python" in dict(blocks)] == SECTIONS


def test_every_method_and_every_error_is_in_the_manual() -> None:
    manual = (ROOT / "docs/client.md").read_text()
    methods = {name for name in vars(numnet.Client) if not name.startswith("_")}
    for name in methods - {"path", "version_path"}:  # for `send`
        assert re.search(rf"\b{name}\(|`{name}`", manual), name
    for name in numnet.__all__:
        kind = getattr(numnet, name)
        if isinstance(kind, type) and issubclass(kind, numnet.NumnetError):
            assert f"`{name}`" in manual or f"numnet.{name}`" in manual, name


def without_fractions(text: str) -> str:
    """Return a text without the digits after points, which another processor rounds differently."""
    return re.sub(r"(\d)\.\d+", r"\1.", text).strip()
