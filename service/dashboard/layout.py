"""What every page has: navigation, the switch between models, and whether somebody is signed in."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, current_app, request

from config import VERSION
from service.dashboard.asked_model import asked_name
from service.services import services
from service.web.responses import reference_to
from service.web.tokens.authorization import may_read
from service.web.tokens.cookie import cookie_token


@dataclass(frozen=True)
class Entry:
    """An entry of the navigation; `endpoints` are those that belong to it, the first its own."""

    title: str
    path: str
    endpoints: tuple[str, ...]


NAVIGATION = (
    Entry("Now", "/", ("dashboard.now",)),
    Entry("Try it", "/try", ("dashboard.try_it",)),
    Entry(
        "Versions", "/versions", ("dashboard.versions", "dashboard.version", "dashboard.compare")
    ),
    Entry("Retraining", "/retraining", ("dashboard.retraining", "dashboard.job")),
)


def register(blueprint: Blueprint, digest: str) -> None:
    """Give the templates what they need besides a page's data.

    Parameters
    ----------
    digest : of the static files
    """

    def static(name: str) -> str:
        return reference_to(f"/static/{digest}/{name}")

    def context() -> dict[str, Any]:
        known = current_app.view_functions
        return {
            "switch_path": _switch_path(),
            "navigation": [each for each in NAVIGATION if each.endpoints[0] in known],
            "asked": asked_name(),
            "default_model": services().models.default.name,
            "is_signed_in": bool(cookie_token()),
            "token_hint": _token_hint(),
            "here": request.full_path.rstrip("?"),
            "release": VERSION,
            "docs": _docs(),
            "link": link,
            "path": reference_to,
            "static": static,
        }

    blueprint.app_context_processor(context)


def models() -> list[str]:
    """Return the names of the models that the request's token may read, the default first."""
    return [name for name in services().models.names() if may_read(name)]


def link(path: str, **query: str | None) -> str:
    """Return a reference to a page for the model that this page is about.

    Parameters
    ----------
    query : of the reference; members that are None are left out
    """
    given = {"model": asked_name()} | query
    text = urlencode({name: value for name, value in given.items() if value is not None})
    return reference_to(path) + (f"?{text}" if text else "")


def _token_hint() -> str:
    """Return where the admin token is, in words that tell strangers no path of this machine."""
    if services().settings.admin_token:
        return (
            "The admin token is the one that the setting NUMNET_ADMIN_TOKEN has. The "
            "administrator of the service knows it."
        )
    return (
        "`make run` prints where the admin token is: in the file admin-token of the service's "
        "state folder, by default var/admin-token. In containers, the manual of the deployment "
        "says how to print it."
    )


def _switch_path() -> str:
    """Return the path at which the switch shows another model, which may have no such version."""
    own = (each.path for each in NAVIGATION if request.endpoint in each.endpoints)
    return next(own, "/")


def _docs() -> str:
    """Return the path of the API's description for the model that this page is about."""
    name = asked_name()
    return "/docs" if name is None else f"/models/{quote(name, safe='')}/docs"
