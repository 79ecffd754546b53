"""Read and execute the code blocks of the README and the docs."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.patience import seconds

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ["README.md", *sorted(f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md"))]

Block = tuple[str, str]  # language, content

_END_OF_BLOCK = "\n--- end of block ---\n"


def sections(document: str) -> dict[str, list[Block]]:
    """Return the code blocks under each second-level heading of a file of the repository.

    Blocks before the first heading have the heading "".
    """
    text = (ROOT / document).read_text()
    parts = ["", *re.split(r"^## (.+)$", text, flags=re.M)]
    return {
        heading: re.findall(r"^```(\w*)\n(.*?)^```$", part, flags=re.M | re.S)
        for heading, part in zip(parts[::2], parts[1::2], strict=True)
    }


def repository_copy(folder: Path) -> Path:
    """Create a git repository with the files of this working tree, including uncommitted files."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    author = "-c user.name=nobody -c user.email=nobody@localhost"
    commit = f"git init -q && git add -A && git {author} commit -qm all"
    subprocess.run(["sh", "-ec", commit], cwd=folder, check=True)
    return folder


def run(script: str, folder: Path, environment: dict[str, str], timeout: float = 300) -> str:
    """Return the output of shell commands, all of which must succeed."""
    process = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds(timeout),
        check=False,
    )
    assert process.returncode == 0, f"{script}\n{process.stdout}{process.stderr}"
    return process.stdout


def run_in_one_shell(
    blocks: list[str], folder: Path, environment: dict[str, str], timeout: float = 300
) -> list[str]:
    """Return the output of each block. Variables and functions last, as in a reader's terminal."""
    end = f"printf %s {shlex.quote(_END_OF_BLOCK)}\n"
    script = "".join(block + end for block in blocks)
    return run(script, folder, environment, timeout).split(_END_OF_BLOCK)[:-1]
