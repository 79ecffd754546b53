"""C programs of versions, compiled and called."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from export import Source
from export.c import c_program
from network import Array
from tests.export.tools import tool

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2")


class Compiled:
    """The shared library of a version."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.file = source, folder / "model.c"
        self.file.write_text(c_program(source), encoding="utf-8", newline="")
        self.library = ctypes.CDLL(str(self.build("library.so", "-shared", "-fPIC")))

    def build(self, name: str, *options: str, files: tuple[Path, ...] = ()) -> Path:
        """Compile the program, and other files, without any warning."""
        path = self.file.parent / name
        files = files or (self.file,)
        command = [tool("gcc"), *STRICT, *options, *map(str, files), "-o", str(path), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return path

    def predict(self, row: Array) -> tuple[int, Array]:
        """Return the status, and the prediction with its ends: (3, targets), or (1, targets)."""
        has_ends = self.source.graph.ends is not None
        results = np.zeros((3 if has_ends else 1, len(self.source.model.targets)))
        status: int = self.library.numnet_predict(_pointer(row), *map(_pointer, results))
        return status, results

    def number_of(self, function: str, *arguments: object) -> float:
        """Return the double that a function returns."""
        called: Callable[..., float] = getattr(self.library, f"numnet_{function}")
        called.restype = ctypes.c_double  # type: ignore[attr-defined]
        return called(*arguments)

    def outside(self, row: Array) -> int:
        """Return how many cells are outside the range of training."""
        count: int = self.library.numnet_outside(_pointer(row))
        return count


def _pointer(array: Array) -> object:
    return np.ascontiguousarray(array).ctypes.data_as(ctypes.c_void_p)
