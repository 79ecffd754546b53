"""Environment variables whose names begin with NUMNET_."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "NUMNET_"
FILE_SUFFIX = "_FILE"
CLIENT_VARIABLES = frozenset({"NUMNET_URL", "NUMNET_TOKEN"})  # which the client reads


class SettingsError(Exception):
    """An environment variable with a value that cannot be used."""


def read_variables(names: Collection[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each variable that is set; an empty one counts as not set.

    With `_FILE` after its name, a variable is the path of a file that contains the text, as
    containers receive secrets, unless the whole name is that of a setting, as `NUMNET_TOKENS_FILE`
    is. Unknown names are logged and ignored, because an orchestrator may have set them; those
    of the client are ignored silently.

    Raises
    ------
    SettingsError
        a variable is set twice, or its file cannot be read.
    """
    texts: dict[str, str] = {}
    for variable, value in environ.items():
        name = variable if variable in names else variable.removesuffix(FILE_SUFFIX)
        if not value or not variable.startswith(PREFIX):
            continue
        if name not in names:
            if variable in CLIENT_VARIABLES:
                continue
            log.warning("%s is not a setting; the settings are %s", variable, ", ".join(names))
            continue
        if name in texts:
            raise SettingsError(f"{name} and {name}{FILE_SUFFIX} are both set: expected one")
        texts[name] = value if variable == name else _content(variable, value)
    return texts


def _content(variable: str, path: str) -> str:
    """Read a file that contains a value; the end of its line is not part of it."""
    try:
        content = Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"{variable}={path}: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{variable}={path}: the file is not text") from None
    if not content.strip():
        raise SettingsError(f"{variable}={path}: the file is empty")
    return content
