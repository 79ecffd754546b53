"""The folder for temporary files."""

import os
import tempfile
from pathlib import Path

from config.environment import SettingsError


def temporary_folder() -> Path:
    """Return the folder for temporary files.

    Raises
    ------
    SettingsError
        none can be written; names those that were tried.
    """
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        wanted = f"set TMPDIR to a folder that user {os.getuid()} can write"
        raise SettingsError(f"{error.strerror}; {wanted}") from None
