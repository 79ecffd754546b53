"""The description of a version's file, with its code executed."""

import re
from pathlib import Path

import numpy as np
import pytest

from network import ACTIVATIONS, Array, Ensemble, Model
from registry.archive import read_archive
from registry.model_file import encode
from registry.model_file.held_out import HELD_OUT
from registry.model_file.members import COMMON, SCORES
from tests.documents import ROOT, sections
from tests.export.models import EXAMPLES, Example
from tests.random_ensembles import make_ensemble, make_error_scale, make_familiarity

DOCUMENT = "docs/model-file.md"
NAMES = re.compile(r"`([a-z_]+(?:\d_)?\w*)`")


def code(heading: str) -> str:
    [(language, block)] = sections(DOCUMENT)[heading]
    assert language == "python"
    return block


def predicted(example: Example, row: int, *blocks: str) -> Array:
    """Return what code of the document computes for a row of an example, from `1.npz`."""
    names = {"x": example.X[row]}
    for block in blocks:
        exec(block, names)  # of our own documentation
    found: Array = names["y"]
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["network tanh", "network without a hidden layer"])
def test_the_forward_pass_is_that_of_a_network(name: str, folder: Path) -> None:
    example = EXAMPLES[name]
    (folder / "1.npz").write_bytes(encode(1, example.model, {}, example.X[:2]))
    found = [predicted(example, row, code("Predict with NumPy")) for row in range(5)]
    example.assert_close(np.array(found), example.model.predict(example.X[:5]))


def test_the_encoding_is_that_of_a_network(folder: Path) -> None:
    example = EXAMPLES["network of mixed columns"]
    (folder / "1.npz").write_bytes(encode(1, example.model, {}, example.X[:1]))
    pass_ = code("Predict with NumPy").replace("np.tanh(z)", "z * (1 + np.tanh(z / 2)) / 2")
    blocks = code("Categories, dates and missing cells"), pass_
    found = [predicted(example, row, *blocks) for row in range(10)]
    example.assert_close(np.array(found), example.model.predict(example.X[:10]))


def test_the_forward_pass_takes_ten_lines() -> None:
    lines = code("Predict with NumPy").splitlines()
    assert len([line for line in lines if line]) <= 10


def test_every_activation_has_its_formula() -> None:
    text = (ROOT / DOCUMENT).read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.M))
    assert {*ACTIVATIONS} <= rows.keys()


def described() -> set[str]:
    """Return the members that the tables describe, of the first model of networks."""
    text = (ROOT / DOCUMENT).read_text()
    tables = text[text.index("## Members of every file") :]
    cells = re.findall(r"^\| (`.+?) \| ", tables, re.M)
    return {name for cell in cells for name in NAMES.findall(cell)}


def members(model: Model | Ensemble, rows: Array) -> set[str]:
    return {*read_archive(encode(1, model, {}, rows), 1000)}


def test_every_member_is_described() -> None:
    model = make_ensemble(error_scale=make_error_scale(), familiarity=make_familiarity())
    found = members(model, np.zeros((2, 3)))
    found |= {*HELD_OUT, *COMMON, SCORES}
    network = EXAMPLES["network of mixed columns"]
    assert isinstance(network.model, Model)
    found |= members(network.model, network.X[:1])
    repeated = re.compile(r"networks_1_.*|weights_[2-9]|bias_[2-9]|error_(networks|linear)_.*")
    named = {name for name in found if not repeated.fullmatch(name)}
    others = {"error_networks_0_s", "error_linear_held_out"}
    assert described() == named | others
