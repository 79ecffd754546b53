"""The admin token: the one in the settings, or one that is made and kept in the state folder."""

import logging
import os
import secrets
import sys
from pathlib import Path

from config import Settings
from config.settings import TOKEN
from registry.files import durable_file
from registry.files.regular_file import read_regular

log = logging.getLogger(__name__)

FILE = "admin-token"
_MAX_BYTES = 4096  # of the file


class AdminToken:
    """The token that admin requests must have.

    It is the one in the settings, or else the one in the state folder. That one is created if it
    is missing, and printed once if stderr is a terminal.
    """

    def __init__(self, settings: Settings) -> None:
        self._token = settings.admin_token
        self._path = settings.state / FILE

    def get(self) -> str:
        """Return the token; an empty string if it can be neither read nor created."""
        if not self._token:
            try:
                if not self._path.exists():
                    _create(self._path)
                self._token = _read(self._path)
            except OSError as error:
                who = f"user {os.getuid()} must be able to read and write it"
                log.error("no admin token in %s: %s; %s", self._path, error.strerror, who)
            except ValueError as error:
                log.error("no admin token in %s: %s", self._path, error)
        return self._token


def _read(path: Path) -> str:
    """Return the token in a file.

    Raises
    ------
    OSError, ValueError
    """
    content = read_regular(path, _MAX_BYTES)
    if content is None:
        raise ValueError(f"the file has more than {_MAX_BYTES:,} bytes; expected a token")
    token = content.strip(b" \t\r\n").decode("latin-1")
    try:
        return TOKEN.parse(token)
    except ValueError:
        expected = f"expected {TOKEN.expected}; without the file, the service makes a token"
        raise ValueError(expected) from None


def _create(path: Path) -> None:
    """Create the token's file, unless another process was faster."""
    token = secrets.token_urlsafe(32)
    try:
        with durable_file.create(path, 0o600) as file:
            file.write(f"{token}\n".encode())
    except FileExistsError:
        return
    # Print the token only to a person: anything else would keep it in a log.
    printed = f" and printed only this once: {token}" if sys.stderr.isatty() else ""
    print(f"The admin token is stored in {path}{printed}", file=sys.stderr)
