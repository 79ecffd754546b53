"""Tokens: stored for a service in the user's configuration, or of an installation on this machine.

A stored token is used for every request to its service. That of a local installation is used only
by commands that change something, and only for a service on this machine.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from numnet.files import written_whole

_LOCAL = frozenset(("127.0.0.1", "::1", "localhost"))
TOKEN_FILE = "admin-token"  # noqa: S105 (the name of a file)


def find_token(url: str, *, local: bool) -> str | None:
    """Return the token for a service; None if there is none.

    Parameters
    ----------
    local : whether the admin token of an installation in this folder may be used
    """
    stored = stored_tokens().get(_key(url))
    if stored or not local or urlsplit(url).hostname not in _LOCAL:
        return stored
    return local_token(state_folder())


def state_folder() -> Path:
    """Return the state folder of an installation in this folder."""
    return Path(os.environ.get("NUMNET_STATE") or "var")


def local_token(state: Path) -> str | None:
    """Return the admin token in a state folder; None if this user cannot read one there."""
    try:
        return (state / TOKEN_FILE).read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def stored_tokens() -> dict[str, str]:
    """Return the stored tokens by service."""
    try:
        found = json.loads(tokens_file().read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(url): token for url, token in found.items() if isinstance(token, str)}


def store_token(url: str, token: str | None) -> Path:
    """Store a token for a service, in a file that only this user can read; None removes it.

    Raises
    ------
    OSError
    """
    tokens = stored_tokens() | {_key(url): token or ""}
    kept = {each: value for each, value in tokens.items() if value}
    path = tokens_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with written_whole(path, is_private=True) as file:
        file.write(json.dumps(kept, indent=2).encode())
    return path


def tokens_file() -> Path:
    """Return the file of the stored tokens."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "numnet" / "tokens.json"


def _key(url: str) -> str:
    return url.rstrip("/").lower()
