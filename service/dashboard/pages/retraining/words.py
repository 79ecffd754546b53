"""Jobs in words."""

from collections.abc import Mapping
from typing import Any

from service.dashboard.words import duration

_STATES = {
    "queued": "Waiting for a trainer",
    "running": "Training",
    "promoted": "Promoted: the new version is in use",
    "kept_back": "Kept back: the version in use stays",
    "unchanged": "Nothing to train: data and options are those of the version in use",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_PHASES = {
    "starting": "Starting",
    "reading data": "Reading the data",
    "publishing": "Storing the new version",
    "judging": "Comparing it with the version in use",
}
_METRICS = {"rmse": "RMSE", "mae": "MAE", "r2": "R²"}


def described(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's document with its state, its data and its result in words.

    Returns
    -------
    document : the job's members, and `words`, `is_active`, `chooses` (whether several models may be
        tried), `data_words`, `seconds`, `version`, `against` (versions, or None), `reason` and
        `metrics` by name
    """
    result: Mapping[str, Any] = job.get("result") or {}
    verdict: Mapping[str, Any] = result.get("verdict") or {}
    metrics: Mapping[str, Any] = result.get("metrics") or {}
    return {
        **job,
        "words": state_in_words(job),
        "is_active": job["state"] in ("queued", "running"),
        "chooses": _chooses(job),
        "data_words": _data(job["request"]),
        "seconds": job.get("training_seconds"),
        "version": result.get("version"),
        "against": verdict.get("against"),
        "reason": verdict.get("reason"),
        "metrics": {
            words: metrics[name]
            for name, words in _METRICS.items()
            if type(metrics.get(name)) in (int, float)
        },
    }


def state_in_words(job: Mapping[str, Any]) -> str:
    """Return what a job is doing or how it ended, as a sentence without its full stop."""
    state, phase = str(job["state"]), str(job.get("phase", ""))
    words = _STATES.get(state, state)
    if state != "running":
        return words
    words = _PHASES.get(phase, words)
    if phase in _PHASES:
        return words
    if "epoch" in job and "epochs" in job:
        words += f": epoch {job['epoch']} of at most {job['epochs']}"
    if (eta := job.get("eta_seconds")) is not None:
        words += f", about {duration(max(1.0, round(eta)))} left"
        words += " for the model that is tried" if _chooses(job) else ""
    return words


def outcome_in_words(job: Mapping[str, Any], current: str | None) -> str:
    """Return how a job ended, in view of the version that is in use now.

    Parameters
    ----------
    job : as `described` returns it
    current : the number of the version in use
    """
    state, version = job["state"], str(job["version"])
    if state == "kept_back" and version == current:
        return f"Kept back by the gate, then promoted: version {version} is in use"
    if state == "promoted" and current not in (None, version):
        return f"Promoted, but no longer in use: version {current} is"
    return str(job["words"])


def badge(job: Mapping[str, Any], current: str | None) -> str:
    """Return the state whose colour the page shows; it agrees with `outcome_in_words`."""
    state = str(job["state"])
    if state in ("promoted", "kept_back") and current is not None:
        return "promoted" if str(job["version"]) == current else "kept_back"
    return state


def _chooses(job: Mapping[str, Any]) -> bool:
    """Return whether the training may try several models, of which each has its own epochs."""
    recipe = job.get("request", {"recipe": {"solver": ""}}).get("recipe") or {}
    return recipe.get("solver") in (None, "auto")


def _data(request: Mapping[str, Any]) -> str:
    if request.get("data") == "synthetic":
        return "the example task"
    targets = ", ".join(request.get("targets") or [])
    return f"{request.get('data')} → {targets}" if targets else str(request.get("data"))
