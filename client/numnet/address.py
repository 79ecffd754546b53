"""The address of a service: its URL, its token, and the segments of paths."""

from urllib.parse import quote, urlsplit


def quoted(name: str) -> str:
    """Return a segment of a path.

    Raises
    ------
    ValueError
        it would lead to another path.
    """
    if name in ("", ".", ".."):
        raise ValueError(f"{name!r} is not a name")
    return quote(name, safe="")


def checked_url(url: str) -> str:
    """Return a service's URL without a slash at its end.

    Raises
    ------
    ValueError
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"url must be like http://host:8000, got {url!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url must have no user and no password; the token is an argument")
    if parts.query or parts.fragment:
        raise ValueError(f"url must have no query and no fragment, got {url!r}")
    return url.rstrip("/")


def checked_token(token: str | None) -> str | None:
    """Return a token that a header can carry.

    Raises
    ------
    ValueError
        the message does not contain it.
    """
    if token is None:
        return None
    if not token or not token.isascii() or not all("!" <= each <= "~" for each in token):
        raise ValueError("token must be printable ASCII characters without spaces")
    return token
