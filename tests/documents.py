"""What the documents say to do, to be done word for word in a fresh clone."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

Block = tuple[str, str]  # its language, what it holds


def sections(document: str) -> dict[str, list[Block]]:
    """The blocks of code under each second-level heading of a file of the repository."""
    text = (ROOT / document).read_text()
    parts = re.split(r"^## (.+)$", text, flags=re.M)
    return {
        heading: re.findall(r"^```(\w+)\n(.*?)^```$", part, flags=re.M | re.S)
        for heading, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def repository_copy(folder: Path) -> Path:
    """A repository with the files of this working tree, those not committed yet among them."""
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


def run(script: str, folder: Path, environment: dict[str, str], seconds: float = 300) -> str:
    """What a block of shell commands prints; none of them may fail."""
    process = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert process.returncode == 0, f"{script}\n{process.stdout}{process.stderr}"
    return process.stdout
