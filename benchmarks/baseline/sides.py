"""The two sides of the comparison: the code as it is, and the code of an older commit."""

import io
import shutil
import subprocess
import sys
import tarfile
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.http_api import TOKEN
from benchmarks.installation import Installation
from benchmarks.repository import ROOT
from benchmarks.servers.programs import NUMNET, ServerProgram
from benchmarks.servers.running import Server, running, train

REQUIREMENTS = Path("requirements/run.txt")


@dataclass(frozen=True)
class Side:
    """One version of the code.

    Attributes
    ----------
    python : its interpreter, which has the packages of its own requirements
    root : its source files
    folder : its models and state
    """

    name: str
    python: str
    root: Path
    folder: Path

    @property
    def program(self) -> ServerProgram:
        environment = {**NUMNET.environment, "NUMNET_ADMIN_TOKEN": TOKEN}
        command = (self.python, *NUMNET.command[1:])
        return replace(
            NUMNET, name=self.name, command=command, environment=environment, root=self.root
        )

    def server(self, processes: int = 1) -> AbstractContextManager[Server]:
        """Run its service on the servers' core until the block ends."""
        return running(self.program, self.folder, processes)

    def installation(self) -> Installation:
        """Return an installation whose services and trainers run its code."""
        return Installation(self.folder / "installation", python=self.python, root=self.root)


def make_sides(commit: str, folder: Path) -> tuple[Side, Side]:
    """Make the new and the old side, with the same trained model.

    The old one is checked out in `folder`. Each has a virtual environment in `folder`, the same one
    if their requirements are equal. This benchmark's own environment would not do: its shared
    libraries are in this process's memory too, which makes a server's share (PSS) smaller.
    """
    root = folder / "baseline"
    _check_out(commit, root)
    new_python = old_python = _install(ROOT / REQUIREMENTS, folder / "venv-new")
    if (root / REQUIREMENTS).read_bytes() != (ROOT / REQUIREMENTS).read_bytes():
        old_python = _install(root / REQUIREMENTS, folder / "venv-old")
    new = Side("new", new_python, ROOT, folder / "new")
    old = Side("old", old_python, root, folder / "old")
    train(new.folder)
    shutil.copytree(new.folder / "models", old.folder / "models")
    return new, old


def _check_out(commit: str, root: Path) -> None:
    """Write the files of a commit. `git archive` leaves no trace in the repository."""
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(root, filter="data")


def _install(requirements: Path, folder: Path) -> str:
    """Make a virtual environment as `make setup` does, and return its interpreter's path."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:")
    command = [python, "-m", "pip", "install", *options, "--requirement", str(requirements)]
    subprocess.run(command, check=True)
    return python
