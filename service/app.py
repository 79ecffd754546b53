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
from service.web import admin_token, cors, error_handlers, hosts, security_headers
from trainer.jobs import Jobs


class Application(Flask):
    """Flask, and what the server answers without it.

    Attributes
    ----------
    at_once : answers plain rows in the event loop
    quick_paths : health checks, which the event loop answers, too
    spared_paths : accepted even if the queue for threads is full
    refusal_document : makes the body of a response to a request that the server rejects
    """

    at_once: Callable[[WSGIEnvironment, bytes], tuple[bytes, bytes] | None]
    quick_paths = frozenset(
        {"/livez", "/readyz", "/ping", "/health", "/v2/health/live", "/v2/health/ready"}
    )
    spared_paths = frozenset({"/metrics"})
    refusal_document = staticmethod(error_formats.refusal_document)


def create_app(settings: Settings, telemetry: Telemetry | None = None) -> Application:
    """Return the WSGI application that serves the models in `settings.models`.

    It starts without a model, and with a folder that is read-only or missing.

    Parameters
    ----------
    telemetry : of this server process; by default one that shares its counters with no other
    """
    app = Application(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.merge_slashes = False  # `/models//1` is not found, not redirected
    app.url_map.converters["version"] = models.VersionConverter
    app.url_map.converters["word"] = tf_serving.WordConverter
    services = _services(app, settings, telemetry or Telemetry.of_single_process())
    services.register(app)
    _register_blueprints(app)
    error_handlers.register(app)
    admin_token.register(app, settings)
    error_formats.register(app)
    cors.register(app, settings.cors_origins)
    security_headers.register(app)
    hosts.register(app, settings.hosts)
    app.before_request(_note_route)
    app.after_request(_add_request_id)
    app.at_once = PlainRow(services.current_version, any_host=not settings.hosts).answer
    services.current_version.refresh()  # so that the first request need not wait for the load
    return app


def _services(app: Flask, settings: Settings, telemetry: Telemetry) -> Services:
    registry = Registry.local(settings.models)
    current_version = CurrentVersion(registry, telemetry.meter)
    jobs = Jobs(settings.jobs_url)
    return Services(
        settings=settings,
        telemetry=telemetry,
        registry=registry,
        current_version=current_version,
        versions=VersionCache(registry, current_version),
        jobs=jobs,
        watchers=Watchers(jobs),
        document=Document(app),
    )


def _register_blueprints(app: Flask) -> None:
    """Register every subject's endpoints; the OpenAPI document lists them in this order."""
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


def _note_route() -> None:
    """Note the rule that matched, without converters: `/models/<version>`."""
    rule = request.url_rule
    route = re.sub(r"<\w+:", "<", rule.rule) if rule else None
    RequestContext.from_environ(request.environ).route = route


def _add_request_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = RequestContext.from_environ(request.environ).request_id
    return response
