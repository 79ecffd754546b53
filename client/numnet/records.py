"""What the service says about its models, versions and jobs, as typed records.

Every record keeps the JSON object that it was made from as `document`, so that members that a
newer service adds are there, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

ACTIVE_STATES = ("queued", "running")
_NUMBERS = ("fraction_done", "eta_seconds", "epoch", "epochs", "train_loss", "loss", "best_loss")
_TIMES = ("created_at", "started_at", "finished_at")


@dataclass(frozen=True)
class Model:
    """A model of the service.

    Attributes
    ----------
    name : of the model
    default : whether requests without a model's name mean it
    current : the version in use; None if there is none
    """

    name: str
    default: bool
    current: str | None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the record of a JSON object."""
        return cls(document["name"], document["default"], document["current"])


@dataclass(frozen=True)
class Version:
    """A version in brief.

    Attributes
    ----------
    version : its number
    current : whether it is in use
    created_at : when it was trained; None if its file was refused
    features, targets : their names
    metrics : errors on the test rows and more; empty if its file was refused
    warnings : sentences
    job : the id of the job that trained it; None if none did
    refused : why its file failed verification; "" if it did not
    document : the whole JSON object
    """

    version: str
    current: bool
    created_at: datetime | None
    features: tuple[str, ...]
    targets: tuple[str, ...]
    metrics: Mapping[str, Any]
    warnings: tuple[str, ...]
    job: str | None
    refused: str
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the record of a JSON object."""
        return cls(
            version=document["version"],
            current=document["current"],
            created_at=_time(document.get("created_at")),
            features=tuple(document.get("features") or ()),
            targets=tuple(document.get("targets") or ()),
            metrics=document.get("metrics") or {},
            warnings=tuple(document.get("warnings") or ()),
            job=document.get("job"),
            refused=document.get("refused", ""),
            document=document,
        )


@dataclass(frozen=True)
class Promotion:
    """An entry of a model's promotion log.

    Attributes
    ----------
    number : its position in the log
    version : that became current
    previous : that was current before; None if none was
    at : when
    by, reason : who or what promoted it, and why
    undoes : of a rollback, the number of the promotion that it undoes; otherwise None
    """

    number: int
    version: str
    previous: str | None
    at: datetime
    by: str
    reason: str
    undoes: int | None
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the record of a JSON object."""
        return cls(
            number=document["number"],
            version=document["version"],
            previous=document["previous"],
            at=datetime.fromisoformat(document["at"]),
            by=document["by"],
            reason=document["reason"],
            undoes=document.get("undoes"),
            document=document,
        )


@dataclass(frozen=True)
class Versions(Sequence[Version]):
    """All versions of a model, newest first.

    Attributes
    ----------
    current : the version in use; None if there is none
    entries : the versions
    promotions : the newest promotions, newest first
    """

    current: str | None
    entries: tuple[Version, ...]
    promotions: tuple[Promotion, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the record of a JSON object."""
        return cls(
            document["current"],
            tuple(map(Version.of, document["versions"])),
            tuple(map(Promotion.of, document["promotions"])),
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: Any) -> Any:
        return self.entries[index]


@dataclass(frozen=True)
class Job:
    """A retraining job at one moment.

    Attributes
    ----------
    id : of the job
    state : queued, running, promoted, kept_back, unchanged, failed or cancelled
    model : the name of the model that it trains
    by : the endpoint or schedule that submitted it
    created_at, started_at, finished_at : None if that is still to come
    phase : what a running job does
    fraction_done : 0 to 1; None if it is not known
    eta_seconds : the time that is left; None if it is not known
    epoch, epochs : of the training, and their maximum; None if there are none
    train_loss, loss, best_loss : on scaled targets, `loss` and `best_loss` on the validation rows
    note : why the job does not make progress; "" if it does
    decisions : what the trainer decided, and why
    loss_history : points of the training so far, each an object
    result : of a finished job: version, metrics, the gate's verdict
    error : why it failed; "" if it did not
    document : the whole JSON object
    """

    id: str
    state: str
    model: str
    by: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    phase: str
    fraction_done: float | None
    eta_seconds: float | None
    epoch: int | None
    epochs: int | None
    train_loss: float | None
    loss: float | None
    best_loss: float | None
    note: str
    decisions: tuple[str, ...]
    loss_history: tuple[Mapping[str, Any], ...] = field(repr=False)
    result: Mapping[str, Any] = field(repr=False)
    error: str
    document: Mapping[str, Any] = field(repr=False)

    @property
    def active(self) -> bool:
        """Whether the job is queued or running."""
        return self.state in ACTIVE_STATES

    @property
    def version(self) -> str | None:
        """The version that a finished job published or found unchanged; None if there is none."""
        version = self.result.get("version")
        return None if version is None else str(version)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the record of a JSON object."""
        members: dict[str, Any] = {name: document.get(name) for name in _NUMBERS}
        members |= {name: _time(document.get(name)) for name in _TIMES}
        members |= {name: document.get(name, "") for name in ("phase", "note", "error")}
        return cls(
            id=document["id"],
            state=document["state"],
            model=document["model"],
            by=document["by"],
            decisions=tuple(document.get("decisions") or ()),
            loss_history=tuple(document.get("loss_history") or ()),
            result=document.get("result") or {},
            document=document,
            **members,
        )


@dataclass(frozen=True)
class Table:
    """What a training would understand of a table.

    Attributes
    ----------
    name : in the service's data folder: `data` of a retraining
    rows : that a training would use
    targets : the columns to predict
    features : the columns to predict them from
    notes : what is left out, and warnings
    document : the whole JSON object, with what is known of each column
    """

    name: str
    rows: int
    targets: tuple[str, ...]
    features: tuple[str, ...]
    notes: tuple[str, ...]
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the record of a JSON object."""
        columns = document.get("columns") or ()
        return cls(
            name=document["name"],
            rows=document["rows"],
            targets=tuple(document["targets"]),
            features=tuple(each["name"] for each in columns if each["role"] == "feature"),
            notes=tuple(document.get("notes") or ()),
            document=document,
        )


@dataclass(frozen=True)
class Status:
    """Whether the service, or one model of it, can predict.

    Attributes
    ----------
    url : of the service
    ready : whether predictions are possible
    version : in use; None if there is none
    reason : why it is not ready; "" if it is
    """

    url: str
    ready: bool
    version: str | None
    reason: str


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
