"""Start a training, with the history of trainings; and watch one."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from registry import VersionNotFound, VersionRefused, card_object
from service.dashboard.asked_model import asked_name
from service.dashboard.blueprint import page
from service.dashboard.pages.retraining.options import fields
from service.dashboard.pages.retraining.published import training_of
from service.dashboard.pages.retraining.words import badge, described, outcome_in_words
from service.model.cards import without_odd_members
from service.model.served_model import ServedModel
from service.services import services
from service.web.errors import DataFolderUnavailable, ModelNotFound
from service.web.tokens.authorization import is_admin
from trainer import jobs as trainer_jobs

LISTED = 25


@page("/retraining", "retraining/form.html")
def retraining() -> dict[str, Any]:
    """Show the options of a training of a model, and its newest trainings.

    `tables` are the stored tables, which an administrator alone sees.
    """
    name = asked_name() or services().models.default.name
    version = services().models.find(asked_name()).current_version.current()
    card = version.card if version else {}
    whole = is_admin()
    jobs = services().jobs.newest(LISTED, lambda model: model == name)
    documents = [described(job.whole_document if whole else job.document) for job in jobs]
    for document in documents:
        document.pop("loss_history", None)
    return {
        "model": name,
        "version": version and version.number,
        "source": card_object(card, "data").get("source"),
        "targets": card.get("targets", []),
        "features": card.get("features", []),
        "fields": fields(card),
        "missing": list(trainer_jobs.MISSING),
        "tables": _tables() if whole else [],
        "is_admin": whole,
        "active": next((each for each in documents if each["is_active"]), None),
        "jobs": documents,
    }


@page("/retraining/<job_id>", "retraining/job.html")
def job(job_id: str) -> dict[str, Any]:
    """Show a training: its progress or its result, and what may come next."""
    found = services().jobs.get(job_id)
    document = described(found.whole_document if is_admin() else found.document)
    name = document["model"]
    number = previous = None
    with suppress(ModelNotFound):  # before its first version
        model = services().models.find(name)
        current = model.current_version.current()
        number = current.number if current else None
        previous = model.registry.previous()
        document |= _published(model, document)
    return {
        "job": document | {"words": outcome_in_words(document, number)},
        "badge": badge(document, number),
        "model": name,
        "current": number,
        "previous": previous and str(previous),
    }


def _published(model: ServedModel, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the training of the version that a job has published, if its file can be read.

    The job's progress is of the model that was trained last, which may be another one.
    """
    if document["version"] is None or document["state"] not in ("promoted", "kept_back"):
        return {}
    try:
        card = model.registry.card(int(document["version"]))
    except (VersionNotFound, VersionRefused):
        return {}
    return training_of(without_odd_members(card))


def _tables() -> list[str]:
    try:
        tables = trainer_jobs.DataFolder(services().settings.data).tables()
    except OSError as error:
        raise DataFolderUnavailable("the data folder cannot be read") from error
    return [each.name for each in tables]
