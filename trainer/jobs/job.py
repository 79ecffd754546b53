"""A retraining job: its states, and its JSON document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

QUEUED, RUNNING, PROMOTED, KEPT_BACK, FAILED, CANCELLED = STATES = (
    "queued",
    "running",
    "promoted",
    "kept_back",
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
_INTERNAL = ("at", "begun_at")  # seconds since the epoch


@dataclass(frozen=True)
class Job:
    """A retraining job at one moment.

    Attributes
    ----------
    state : one of `STATES`
    revision : increases with every change
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
    def from_workflow(cls, workflow: Any, progress: Mapping[str, Any], now: float) -> Self:
        """Return the job of a workflow.

        Parameters
        ----------
        workflow : dbos.WorkflowStatus
        progress : the latest `JobProgress.snapshot`; empty before the first
        now : seconds since the epoch
        """
        given = workflow.input["args"][0]
        output = workflow.output or {}
        state = (
            ACTIVE.get(workflow.status) or WITHOUT_OUTPUT.get(workflow.status) or output["state"]
        )
        document = {
            "id": workflow.workflow_id,
            "state": state,
            "request": given["request"],
            "by": given["by"],
            "created_at": _iso(workflow.created_at / 1000),
            "started_at": _iso(progress.get("begun_at")),
            "finished_at": _iso(_finished_at(workflow, progress)),
            **{key: value for key, value in progress.items() if key not in _INTERNAL},
        }
        changed_at = int(progress.get("at", 0.0) * 1000)
        if state in (QUEUED, RUNNING):
            if note := _note(state, workflow, progress, now):
                document["note"] = note
                changed_at = int(now * 1000)  # the note states how long it has been
        elif state in (FAILED, CANCELLED):
            for key in _ONLY_WHILE_RUNNING:
                document.pop(key, None)
            if state == FAILED:
                document["error"] = _public_error(output)
        else:
            document |= {"fraction_done": 1.0, "eta_seconds": 0.0, "result": output["result"]}
        revision = max(changed_at, workflow.updated_at or workflow.created_at)
        if state not in (QUEUED, RUNNING):
            revision += 1  # the last report may be of the same millisecond
        whole_error = output.get("error", "") if state == FAILED else ""
        return cls(workflow.workflow_id, state, revision, document, given["asked"], whole_error)


def _public_error(output: Mapping[str, Any]) -> str:
    """Return why a job failed, without the text of cells, which earlier versions did not omit."""
    if not output.get("error"):
        return "failed; see the trainer's log"
    return output.get("error_without_cells") or "failed; the admin token shows the reason"


def _note(state: str, workflow: Any, progress: Mapping[str, Any], now: float) -> str | None:
    """Return a warning if no trainer has reported on the job for a while."""
    reported_at = max(progress.get("at", 0.0), (workflow.updated_at or workflow.created_at) / 1000)
    silence = now - reported_at
    if silence < SILENCE_SECONDS:
        return None
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
