"""The first page: the version in use, how good it is, and what it is doing."""

from typing import Any

from config import VERSION
from service.dashboard.asked_model import asked_model
from service.dashboard.blueprint import page
from service.web.responses import reference_to


def index() -> dict[str, Any]:
    """Return what a client other than a browser gets at `/`: where everything is."""
    paths = {
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "models": "/models",
        "predict": "/predict",
        "retrain": "/retrain",
        "ready": "/readyz",
        "metrics": "/metrics",
        "dashboard": "/now.json",
    }
    links = {name: reference_to(path) for name, path in paths.items()}
    return {"name": "numnet", "version": VERSION, "links": links}


@page("/", "now.html", twin="/now.json", index=index)
def now() -> dict[str, Any]:
    """Show the version in use: what it predicts from what, how good it is, and what it does."""
    model = asked_model()
    version = model.current_version.current()
    return {"model": model.name, "version": version and version.number}
