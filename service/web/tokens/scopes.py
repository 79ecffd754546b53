"""What a request is about: one model, all models, or the service."""

from collections.abc import Mapping
from enum import Enum, auto

MODEL_HEADER = "X-Model"  # a model's name, if the path has none
MODEL_QUERY = "model"  # likewise, in the addresses of pages


class Scope(Enum):
    """What a request without a model's name in its path is about."""

    DEFAULT = auto()  # the default model
    HEADER = auto()  # the model in `MODEL_HEADER`, by default the default one
    QUERY = auto()  # the model in the query's `MODEL_QUERY`, by default the default one
    JOB = auto()  # the model of the job in the path
    SERVICE = auto()  # no model: pages, metadata, and lists of the models that a token may read
    ALL_MODELS = auto()


SCOPES: Mapping[str, Scope] = {
    "predict.predict": Scope.DEFAULT,
    "invocations.invoke": Scope.HEADER,
    "invocations.ping": Scope.SERVICE,
    "invocations.version": Scope.SERVICE,
    "models.list_models": Scope.SERVICE,
    "models.show_model": Scope.DEFAULT,
    "models.download": Scope.DEFAULT,
    "exports.export_version": Scope.DEFAULT,
    "models.promote": Scope.DEFAULT,
    "reports.evaluation": Scope.DEFAULT,
    "reports.report": Scope.DEFAULT,
    "models.roll_back": Scope.DEFAULT,
    "retrain.submit": Scope.SERVICE,  # the view checks the model that its body names
    "retrain.list_jobs": Scope.SERVICE,
    "retrain.show_job": Scope.JOB,
    "retrain.watch": Scope.JOB,
    "retrain.cancel": Scope.JOB,
    "data.store": Scope.SERVICE,  # the view requires a token for all models to replace a table
    "data.list_tables": Scope.SERVICE,
    "data.show": Scope.SERVICE,
    "data.describe": Scope.SERVICE,
    "data.delete": Scope.ALL_MODELS,
    "health.livez": Scope.SERVICE,
    "health.readyz": Scope.SERVICE,
    "metrics.page": Scope.ALL_MODELS,
    "v2.server": Scope.SERVICE,
    "v2.live": Scope.SERVICE,
    "v2.ready": Scope.SERVICE,
    "v2.model_statistics": Scope.SERVICE,
    "v2_repository.index": Scope.SERVICE,
    "docs.openapi": Scope.DEFAULT,  # which describes its features
    "docs.page": Scope.SERVICE,
    "docs.start": Scope.SERVICE,
    "docs.asset": Scope.SERVICE,
    "dashboard.now": Scope.QUERY,
    "dashboard.now_json": Scope.QUERY,
    "dashboard.traffic": Scope.QUERY,
    "dashboard.try_it": Scope.QUERY,
    "dashboard.try_it_json": Scope.QUERY,
    "dashboard.versions": Scope.QUERY,
    "dashboard.versions_json": Scope.QUERY,
    "dashboard.version": Scope.QUERY,
    "dashboard.version_json": Scope.QUERY,
    "dashboard.compare": Scope.QUERY,
    "dashboard.compare_json": Scope.QUERY,
    "dashboard.retraining": Scope.QUERY,
    "dashboard.retraining_json": Scope.QUERY,
    "dashboard.job": Scope.JOB,
    "dashboard.job_json": Scope.JOB,
    "dashboard.sign_in": Scope.SERVICE,
    "dashboard.enter": Scope.SERVICE,
    "dashboard.sign_out": Scope.SERVICE,
    "dashboard.static": Scope.SERVICE,
}


def scope_of(endpoint: str | None) -> Scope:
    """Return what an endpoint is about if its path has no name; without an endpoint, the service.

    An endpoint that is not listed is about all models, so that few tokens allow it.
    """
    return Scope.SERVICE if endpoint is None else SCOPES.get(endpoint, Scope.ALL_MODELS)
