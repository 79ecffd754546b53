"""The folder for temporary files."""

import os
import tempfile

from config.environment import SettingsError


def check_temporary_folder() -> None:
    """Check that temporary files can be written.

    Raises
    ------
    SettingsError
        there is no folder for them; names those that were tried.
    """
    try:
        tempfile.gettempdir()
    except OSError as error:
        wanted = f"set TMPDIR to a folder that user {os.getuid()} can write"
        raise SettingsError(f"{error.strerror}; {wanted}") from None
