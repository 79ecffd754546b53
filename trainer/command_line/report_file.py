"""The file of `--report`, whose path is checked before the training."""

from pathlib import Path

from export.report.page import render
from registry import Version
from registry.files.durable_file import replace, temporary_path
from trainer.errors import RecipeError


def check_report_file(path: Path) -> None:
    """Check that a report can be written to a path.

    Raises
    ------
    RecipeError
        the path is a folder, its own folder does not exist, or no file can be created in it.
    """
    try:
        if path.exists() and not path.is_file():
            what = "the folder " if path.is_dir() else ""
            raise RecipeError(f"--report must be a file, got {what}{path}")
        probe = temporary_path(path)
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecipeError(f"--report cannot be written to {path}: {reason}") from None


def write_report(path: Path, version: Version, model: str) -> None:
    """Write the report on a version, in place of what the file contained.

    Raises
    ------
    OSError
    """
    with replace(path) as file:
        file.write(render(version, model).encode())
