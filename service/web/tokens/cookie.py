"""The cookie in which a browser keeps its token. It counts like a bearer token.

Scripts cannot read it, and browsers send it with requests from the service's own pages alone.
"""

import base64
import binascii

from flask import Response, request

MAX_AGE_SECONDS = 30 * 24 * 3600
MAX_LENGTH = 1024  # of a token; browsers keep at least 4096 bytes (RFC 6265)
_PREFIX = "numnet-token"


def cookie_token() -> str:
    """Return the token in the request's cookie; an empty string if there is none."""
    return _decoded(request.cookies.get(_name(), ""))


def tokens_of_field(field: str) -> list[str]:
    """Return the tokens in a Cookie field, of any port's service."""
    pairs = (part.strip().partition("=") for part in field.split(";"))
    return [_decoded(value.strip('"')) for name, _, value in pairs if name.startswith(_PREFIX)]


def set_cookie(response: Response, token: str) -> None:
    """Have the browser keep a token, which may have any characters."""
    value = base64.urlsafe_b64encode(token.encode("latin-1", "replace")).decode()
    # Behind a proxy only the browser's own Origin says whether it uses https.
    is_secure = request.headers.get("Origin", "").startswith("https:")
    response.set_cookie(
        _name(),
        value,
        max_age=MAX_AGE_SECONDS,
        path=_path(),
        secure=is_secure,
        httponly=True,
        samesite="Strict",
    )


def delete_cookie(response: Response) -> None:
    """Have the browser forget its token."""
    response.delete_cookie(_name(), path=_path(), httponly=True, samesite="Strict")


def _decoded(value: str) -> str:
    try:
        return base64.urlsafe_b64decode(value).decode("latin-1")
    except (ValueError, binascii.Error):
        return ""


def _path() -> str:
    """Return the prefix that a trusted proxy strips: other services have other ones."""
    return request.root_path or "/"


def _name() -> str:
    """Return the cookie's name: browsers share cookies between all ports of a host."""
    port = request.host.rpartition(":")[2]
    return f"{_PREFIX}-{port}" if port.isdigit() else _PREFIX
