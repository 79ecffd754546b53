"""The application factory."""

import re
from collections.abc import Callable
from wsgiref.types import WSGIEnvironment

from flask import Flask, Response, request

from config import Settings
from registry import Registry
from service.api import docs, health, metrics, models, predict, retrain
from service.api.job_events import Watchers
from service.api.one_row import PlainRow
from service.model.current_version import CurrentVersion
from service.model.version_cache import VersionCache
from service.openapi.document import Document
from service.protocols import error_formats, mlflow, model_repository, open_inference, tf_serving
from service.services import Services
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry
from service.web import admin_token, errors, security_headers
from trainer.jobs import Jobs


class Application(Flask):
    """Flask, and what can be answered without a thread for it.

    Attributes
    ----------
    at_once : the short way for plain rows
    quick_paths : addresses that are answered at once, too, as they say how the process is
    spared_paths : addresses that are not refused when too many requests wait
    """

    at_once: Callable[[WSGIEnvironment, bytes], tuple[bytes, bytes] | None]
    quick_paths = frozenset(
        {"/livez", "/readyz", "/ping", "/health", "/v2/health/live", "/v2/health/ready"}
    )
    spared_paths = frozenset({"/metrics"})


def create_app(settings: Settings, telemetry: Telemetry | None = None) -> Application:
    """Return the WSGI application that serves the models in `settings.models`.

    It starts without a model, and with a folder that is read-only or missing.

    Parameters
    ----------
    telemetry : of this server process; by default one that shares its counters with no other
    """
    telemetry = telemetry or Telemetry.of_single_process()
    app = Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.merge_slashes = False  # `/models//1` is not found, not redirected
    app.url_map.converters["version"] = models.VersionConverter
    app.url_map.converters["word"] = tf_serving.WordConverter
    registry = Registry.local(settings.models)
    current_version = CurrentVersion(registry, telemetry.meter)
    jobs = Jobs(settings.jobs_url)
    Services(
        settings=settings,
        telemetry=telemetry,
        registry=registry,
        current_version=current_version,
        versions=VersionCache(registry, current_version),
        jobs=jobs,
        watchers=Watchers(jobs),
        document=Document(app),
    ).register(app)

    app.register_blueprint(predict.blueprint)
    app.register_blueprint(mlflow.blueprint)
    app.register_blueprint(models.blueprint)
    app.register_blueprint(retrain.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.register_blueprint(open_inference.blueprint)
    app.register_blueprint(model_repository.blueprint)
    app.register_blueprint(tf_serving.blueprint)
    app.register_blueprint(docs.blueprint)
    errors.register(app)
    admin_token.register(app, settings)
    error_formats.register(app)
    security_headers.register(app, settings)
    app.before_request(_note_route)
    app.after_request(_add_request_id)
    app.at_once = PlainRow(current_version, any_host=not settings.hosts).answer

    current_version.refresh()  # so that the first request need not wait for the load
    return app


def _note_route() -> None:
    """As people write it: `/models/<version>`, whatever converts the version."""
    rule = request.url_rule
    route = re.sub(r"<\w+:", "<", rule.rule) if rule else None
    RequestContext.from_environ(request.environ).route = route


def _add_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = RequestContext.from_environ(request.environ).request_id
    return response
