"""The first page: the version in use, how good it is, and what it is doing."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response

from config import VERSION
from registry import card_object
from service.dashboard.asked_model import asked_model
from service.dashboard.blueprint import blueprint, page, twin_operation
from service.dashboard.versions.quality import quality_of
from service.first_training import in_words
from service.model.cards import without_odd_members
from service.model.loaded_version import LoadedVersion
from service.services import services
from service.telemetry.traffic import traffic_of
from service.web.responses import json_response, reference_to


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
    """Show the version in use: what it predicts from what, how good it is, and its traffic.

    `version` is null before the first version; `first_training` is the job that trains it.
    """
    model = asked_model()
    version = model.current_version.current()
    return {
        "model": model.name,
        "version": version and _version(version),
        "first_training": None if version else _first_training(model.name),
        "has_versions": version is not None or model.registry.has_versions(),
        "traffic": _traffic(model.name),
    }


@blueprint.get("/now/traffic.json")
@twin_operation()
def traffic() -> Response:
    """Show the version in use and the traffic alone, which is cheap enough to be polled."""
    model = asked_model()
    version = model.current_version.current()
    return json_response({"version": version and version.number, **_traffic(model.name)})


def _first_training(model: str) -> dict[str, Any] | None:
    job = services().first_training.job(model)
    if job is None:
        return None
    share = job.document.get("fraction_done")
    return {"id": job.id, "words": in_words(job), "fraction_done": share}


def _traffic(model: str) -> Mapping[str, Any]:
    return asdict(traffic_of(services().telemetry.counters, model))


def _version(version: LoadedVersion) -> dict[str, Any]:
    card = without_odd_members(version.card)
    promotion = version.promotion
    return {
        "number": version.number,
        "targets": card["targets"],
        "features": card["features"],
        "created_at": card.get("created_at"),
        "promoted_at": promotion and promotion.at,
        "promoted_by": promotion and promotion.by,
        "reason": promotion and promotion.reason,
        "trained_on": card_object(card, "data", "rows").get("train"),
        "source": card_object(card, "data").get("source"),
        "warnings": card.get("warnings", []),
        "quality": quality_of(card),
    }
