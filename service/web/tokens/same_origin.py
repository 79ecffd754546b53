"""Checks that a request comes from a page of this service: against cross-site request forgery.

Source: OWASP, Cross-Site Request Forgery Prevention Cheat Sheet, "Fetch Metadata headers".
"""

from urllib.parse import urlsplit

from flask import request

from service.web.errors import Forbidden

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # they change nothing
_PORTS = {"http": "80", "https": "443"}


def check_same_origin() -> None:
    """Refuse a request that another site's page, or no page, has sent.

    Browsers set `Sec-Fetch-Site`, and no script can. `none` means the address bar or a bookmark,
    which send no request that changes something. Without https, browsers send the header to the
    machine itself alone; then `Origin` must be the requested host. A request with neither header
    is not a browser's: programs send a bearer token, which needs no such check.

    Raises
    ------
    Forbidden
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_own = site == "same-origin"
    else:
        is_own = _is_own(request.headers.get("Origin", ""))
    if not is_own:
        raise Forbidden(
            "the request does not come from a page of this service, so that its cookie does not "
            "count; other clients send Authorization: Bearer TOKEN"
        )


def _is_own(origin: str) -> bool:
    try:
        found = urlsplit(origin)
        asked = urlsplit(f"{found.scheme}://{request.host}")
        ports = [str(each.port or _PORTS[found.scheme]) for each in (found, asked)]
    except (ValueError, KeyError):
        return False
    return bool(found.hostname) and found.hostname == asked.hostname and ports[0] == ports[1]
