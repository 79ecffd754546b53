"""What the endpoints of one application share."""

from dataclasses import dataclass
from typing import Protocol
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, current_app

from config import Settings
from service.first_training import FirstTraining
from service.model.model_cache import ModelCache
from service.openapi.document import Documents
from service.telemetry.telemetry import Telemetry
from trainer.jobs import Job, Jobs

_EXTENSION = "numnet"


class EventStreams(Protocol):
    """Streams the events of jobs; `api.job_events` implements it."""

    def latest(self, job_id: str) -> Job:
        """Return a job as it was within the last half second."""

    def response(self, job: Job, environ: WSGIEnvironment, *, whole: bool = False) -> Response:
        """Return the response that streams a job's events."""

    def stop(self) -> None:
        """End all streams."""


@dataclass(frozen=True)
class Services:
    """The objects that endpoints use; made once per application.

    Attributes
    ----------
    models : the models, of which the default is always in memory
    documents : the OpenAPI documents
    """

    settings: Settings
    telemetry: Telemetry
    models: ModelCache
    jobs: Jobs
    job_events: EventStreams
    first_training: FirstTraining
    documents: Documents

    def register(self, app: Flask) -> None:
        """Make these the services of an application."""
        app.extensions[_EXTENSION] = self


def services() -> Services:
    """Return the services of the application that is answering a request."""
    return services_of(current_app)


def services_of(app: Flask) -> Services:
    """Return the services of an application."""
    found: Services = app.extensions[_EXTENSION]
    return found
