"""A retraining job: its states, and its JSON document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

QUEUED, RUNNING, PROMOTED, KEPT_BACK, UNCHANGED, FAILED, CANCELLED = STATES = (
    "queued",
    "running",
    "promoted",
    "kept_back",
    "unchanged",
    "failed",
    "cancelled",
)

# The state of a job by its workflow's status in DBOS. The remaining status, SUCCESS, only says that
# the workflow returned: the state is then in its output.
ACTIVE = {"ENQUEUED": QUEUED, "DELAYED": QUEUED, "PENDING": RUNNING}
WITHOUT_OUTPUT = {
    "CANCELLED": CANCELLED,
    "ERROR": FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": FAILED,
}

SILENCE_SECONDS = 5.0  # after which a job that is queued, or does not progress, gets a note
_ONLY_WHILE_RUNNING = ("phase", "fraction_done", "eta_seconds")
_INTERNAL = ("at", "begun_at", "ended", "number")  # the first two are seconds since the epoch

REVISIONS_PER_SNAPSHOT = 1_000_000  # half of them while the job is queued, half while it runs


@dataclass(frozen=True)
class Job:
    """A retraining job at one moment.

    Attributes
    ----------
    state : one of `STATES`
    revision : increases with every change; counted, because clocks may be set back
    document : the job as JSON, for any client
    asked : the options that the client gave
    whole_error : why it failed, which may contain the text of cells; for administrators
    """

    id: str
    state: str
    revision: int
    document: dict[str, Any]
    asked: Mapping[str, Any] = field(default_factory=dict)
    whole_error: str = ""

    @property
    def whole_document(self) -> dict[str, Any]:
        """Return the job as JSON, for administrators."""
        return self.document | ({"error": self.whole_error} if self.whole_error else {})

    @property
    def active(self) -> bool:
        """Whether the job is queued or running."""
        return self.state in (QUEUED, RUNNING)

    @classmethod
    def from_workflow(
        cls,
        workflow: Any,
        progress: Mapping[str, Any],
        now: float,
        default_model: str,
        *,
        is_behind: bool = False,
    ) -> Self:
        """Return the job of a workflow.

        Parameters
        ----------
        workflow : dbos.WorkflowStatus
        progress : the latest `JobProgress.snapshot`; empty before the first
        now : seconds since the epoch
        default_model : the name of the model that a request without one means
        is_behind : whether a trainer runs other jobs
        """
        given = workflow.input["args"][0]
        output = workflow.output or {}
        state = (
            ACTIVE.get(workflow.status) or WITHOUT_OUTPUT.get(workflow.status) or output["state"]
        )
        document = {
            "id": workflow.workflow_id,
            "state": state,
            "model": model_of(workflow, default_model),
            "request": given["request"],
            "by": given["by"],
            "created_at": _iso(workflow.created_at / 1000),
            "started_at": _iso(progress.get("begun_at")),
            "finished_at": _iso(_finished_at(workflow, progress)),
            **{key: value for key, value in progress.items() if key not in _INTERNAL},
        }
        silent_seconds = 0
        if state in (QUEUED, RUNNING):
            silence = _silence(workflow, progress, now)
            if silence >= SILENCE_SECONDS:
                document["note"] = _note(state, progress, silence, is_behind)
                silent_seconds = int(silence)
        elif state in (FAILED, CANCELLED):
            for key in _ONLY_WHILE_RUNNING:
                document.pop(key, None)
            if state == FAILED:
                document["error"] = _public_error(output)
        else:
            document |= {"fraction_done": 1.0, "eta_seconds": 0.0, "result": output["result"]}
        revision = _revision(state, progress.get("number", 0), silent_seconds)
        whole_error = output.get("error", "") if state == FAILED else ""
        return cls(workflow.workflow_id, state, revision, document, given["asked"], whole_error)


def model_of(workflow: Any, default: str) -> str:
    """Return the name of the model that a workflow trains."""
    name = workflow.input["args"][0]["request"].get("model")
    return default if name is None else str(name)


def is_waiting(workflow: Any, progress: Mapping[str, Any], now: float) -> bool:
    """Return whether a job has been queued for a while and no trainer has started it."""
    queued = ACTIVE.get(workflow.status) == QUEUED and not progress
    return queued and _silence(workflow, progress, now) >= SILENCE_SECONDS


def _public_error(output: Mapping[str, Any]) -> str:
    """Return why a job failed, without the text of cells, which earlier versions did not omit."""
    if not output.get("error"):
        return "failed; see the trainer's log"
    return output.get("error_without_cells") or "failed; the admin token shows the reason"


def _revision(state: str, snapshots: int, silent_seconds: int) -> int:
    """Return a number that grows with the reports on a job, with the time without one, when the job
    starts and when it ends.
    """
    if state not in (QUEUED, RUNNING):
        return (snapshots + 1) * REVISIONS_PER_SNAPSHOT
    half = REVISIONS_PER_SNAPSHOT // 2
    start = snapshots * REVISIONS_PER_SNAPSHOT + (half if state == RUNNING else 0)
    return start + min(silent_seconds, half - 1)


def _silence(workflow: Any, progress: Mapping[str, Any], now: float) -> float:
    """Return the seconds since a trainer reported on the job."""
    reported_at = max(progress.get("at", 0.0), (workflow.updated_at or workflow.created_at) / 1000)
    return float(now - reported_at)


def _note(state: str, progress: Mapping[str, Any], silence: float, is_behind: bool) -> str:
    """Return why the job does not make progress."""
    if state == QUEUED and not progress and is_behind:
        return f"queued for {silence:.0f} s behind other jobs (NUMNET_JOBS_AT_ONCE run at a time)"
    if state == QUEUED and not progress:
        return (
            f"no trainer has started this job for {silence:.0f} s: "
            f"is one running (python -m trainer.worker)?"
        )
    return (
        f"no report from the trainer for {silence:.0f} s; "
        f"the next trainer resumes the job from its last checkpoint"
    )


def _finished_at(workflow: Any, progress: Mapping[str, Any]) -> float | None:
    """Return the time of completion: SQLite may keep whole seconds, but no job ends before its
    last report.
    """
    if not workflow.completed_at:
        return None
    return max(float(workflow.completed_at) / 1000, float(progress.get("at", 0.0)))


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
