"""The file of tokens: a line for each, with its SHA-256, its rights and its models.

# the plant's dashboard
9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 read,observe pump-*,valve
"""

import hashlib
import re
from pathlib import Path

from config import SettingsError
from config.model_names import is_model_name
from registry.files.regular_file import read_regular
from service.web.tokens.grant import ADMIN, RIGHTS, Grant

VARIABLE = "NUMNET_TOKENS_FILE"
MAX_BYTES = 1024 * 1024
_COMMENT = "#"
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_PATTERN = re.compile(r"[A-Za-z0-9._*?-]{1,64}")
_EMPTY = hashlib.sha256(b"").hexdigest()

Grants = dict[bytes, Grant]  # by the SHA-256 of a token


def read_content(path: Path) -> bytes:
    """Return the content of the file.

    Raises
    ------
    SettingsError
    """
    try:
        content = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise SettingsError(f"{VARIABLE}={path}: {error.strerror or error}") from None
    except ValueError as error:
        raise SettingsError(f"{VARIABLE}={path}: {error}") from None
    if content is None:
        raise SettingsError(f"{VARIABLE}={path}: expected at most {MAX_BYTES:,} bytes")
    return content


def parse_grants(content: bytes, path: Path) -> Grants:
    """Return what each token of the file allows. Errors do not repeat the text of a line.

    Raises
    ------
    SettingsError
    """
    grants: Grants = {}
    lines: dict[bytes, int] = {}  # of the tokens
    # A file that is being written is empty at first. To allow no token, it has a comment.
    if not content.strip():
        raise SettingsError(f"{VARIABLE}={path}: expected a token or a comment; the file is empty")
    for number, line in enumerate(content.decode("utf-8-sig", "replace").split("\n"), 1):
        fields = line.partition(_COMMENT)[0].split()
        if not fields:
            continue
        try:
            digest, grant = _parse(fields)
            if digest in lines:
                raise ValueError(f"expected each token once; line {lines[digest]} has this one")
        except ValueError as error:
            raise SettingsError(f"{VARIABLE}={path}, line {number}: {error}") from None
        grants[digest], lines[digest] = grant, number
    return grants


def check_tokens(path: Path) -> None:
    """Check that the file can be read and has no mistakes.

    Raises
    ------
    SettingsError
    """
    parse_grants(read_content(path), path)


def _parse(fields: list[str]) -> tuple[bytes, Grant]:
    if len(fields) != 3:
        raise ValueError(
            "expected three fields, without spaces after commas: the SHA-256 of a token, rights, "
            f"models; found {len(fields)}"
        )
    digest, rights, models = fields
    if not _DIGEST.fullmatch(digest):
        raise ValueError("expected the SHA-256 of a token as 64 hexadecimal digits")
    if digest.lower() == _EMPTY:
        raise ValueError("expected the SHA-256 of a token; this is that of an empty text")
    return bytes.fromhex(digest), _grant(rights.split(","), models.split(","))


def _grant(rights: list[str], models: list[str]) -> Grant:
    if not set(rights) <= set(RIGHTS):
        raise ValueError(f"expected rights separated by commas: {', '.join(RIGHTS)}")
    patterns = tuple(each for each in models if set(each) & set("*?"))
    names = frozenset(models) - set(patterns)
    if not all(map(is_model_name, names)) or not all(map(_PATTERN.fullmatch, patterns)):
        raise ValueError(
            "expected names of models separated by commas; in a name, * stands for any characters "
            "and ? for one"
        )
    return Grant(frozenset(RIGHTS if ADMIN in rights else rights), names, patterns)
