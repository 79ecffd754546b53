"""Programs that tests of exports need."""

import os
import shutil

import pytest


def tool(name: str) -> str:
    """Return the path of a program; skip the test if it is missing, unless `CI` is set."""
    path = shutil.which(name)
    if path is None:
        if "CI" in os.environ:
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return path
