"""What decides the weights of a version: data, recipe and code; and the course of a training."""

import functools
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import network
import trainer
from config import VERSION
from trainer.data.table import Table
from trainer.training.card import library_versions
from trainer.training.recipe import Recipe

STATE_FORMAT = 5  # raise it when solvers or the split change, so that old checkpoints are not used


def training_identity(table: Table, recipe: Recipe) -> dict[str, Any]:
    """Return everything that decides the course of a training, which names its checkpoint."""
    options = asdict(recipe)
    del options["max_seconds"], options["target_mse"], options["every"]
    return {
        "format": STATE_FORMAT,
        "data": table.fingerprint(),
        "recipe": options,
        "libraries": library_versions(),
    }


def version_identity(table: Table, recipe: Recipe) -> str:
    """Return the SHA-256 of everything that decides the weights, except the machine's speed.

    The data are the numbers of the table in their order, its name and how it was read. The recipe
    has every option: also the time limit, because a plan depends on it, and the schedule, which the
    card of the version in use states. The code is numnet's, as its files are now, and the versions
    of the libraries.
    """
    document = training_identity(table, recipe) | {
        "source": [table.source, table.weights_name, table.summary.get("options", {})],
        "recipe": asdict(recipe),
        "code": [VERSION, _code_digest()],
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@functools.cache
def _code_digest() -> str:
    """Return the SHA-256 of the source files of `network` and `trainer`."""
    digest = hashlib.sha256()
    for package in (network, trainer):
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder.parent)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
