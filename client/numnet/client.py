"""The client of one numnet service, or of one of its models."""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self, TypeVar, overload

from numnet.address import checked_token, checked_url, quoted
from numnet.errors import BadResponse, JobCancelled, JobFailed, Problem
from numnet.files import opener, written_whole
from numnet.job_events import job_documents
from numnet.prediction_requests import Options, PredictRequests
from numnet.records import Job, Model, Promotion, Status, Table, Versions
from numnet.results import CsvPredictions, Prediction, Predictions, joined
from numnet.rows import blocks_of, is_one_row, row_of
from numnet.transport import Answer, Body, Query, Timeout, Transport, read_json
from numnet.version import VERSION

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_RETRIES = 6
DEFAULT_BLOCK_BYTES = 4 * 1024 * 1024  # a quarter of the service's default limit
JSON, CSV = "application/json", "text/csv"

T = TypeVar("T")
Row = Mapping[str, Any] | Sequence[float]
Rows = Sequence[Mapping[str, Any]] | Sequence[Sequence[Any]] | str | os.PathLike[str] | IO[Any]


class Client:
    """A client of a numnet service. Safe to share between threads; a context manager.

    Parameters
    ----------
    url : of the service
    token : sent as `Authorization: Bearer TOKEN`, to this service alone
    model : the name of a model; by default the service's default model
    timeout : a `Timeout`, or the seconds that a whole request may take
    retries : the number of repetitions of a request that is safe to repeat: after a broken
        connection, and when the service is overloaded, for as long as it asks (`Retry-After`)
    block_bytes : of a request's body, about: longer tables are sent in several requests

    Raises
    ------
    ValueError
        an argument cannot be used.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        model: str | None = None,
        timeout: float | Timeout = Timeout(),  # noqa: B008 (frozen)
        retries: int = DEFAULT_RETRIES,
        block_bytes: int = DEFAULT_BLOCK_BYTES,
    ) -> None:
        if retries < 0:
            raise ValueError(f"retries must be 0 or more, got {retries}")
        if block_bytes < 1:
            raise ValueError(f"block_bytes must be 1 or more, got {block_bytes}")
        if model is not None:
            quoted(model)
        self.model = model
        self.block_bytes = block_bytes
        self._transport = Transport(
            checked_url(url),
            checked_token(token),
            Timeout.of(timeout),
            retries,
            f"numnet/{VERSION}",
        )

    @classmethod
    def from_environment(cls, **options: Any) -> Self:
        """Return a client of `NUMNET_URL` with `NUMNET_TOKEN`.

        Without `NUMNET_URL` it is http://127.0.0.1:8000.

        Parameters
        ----------
        options : as of `Client`; they have precedence
        """
        url = options.pop("url", None) or os.environ.get("NUMNET_URL") or DEFAULT_URL
        token = os.environ.get("NUMNET_TOKEN") or None
        return cls(url, **{"token": token, **options})

    @property
    def url(self) -> str:
        """The address of the service, without a slash at the end."""
        return self._transport.url

    @overload
    def predict(
        self,
        rows: Row,
        *,
        interval: float | None = None,
        explain: bool = False,
        version: str | int | None = None,
        encoding: str | None = None,
    ) -> Prediction: ...
    @overload
    def predict(
        self,
        rows: Rows,
        *,
        interval: float | None = None,
        explain: bool = False,
        version: str | int | None = None,
        encoding: str | None = None,
    ) -> Predictions: ...
    @overload
    def predict(
        self,
        rows: Any,  # an array, a frame, a Series or an iterable: one row or many
        *,
        interval: float | None = None,
        explain: bool = False,
        version: str | int | None = None,
        encoding: str | None = None,
    ) -> Any: ...
    def predict(
        self,
        rows: Any,
        *,
        interval: float | None = None,
        explain: bool = False,
        version: str | int | None = None,
        encoding: str | None = None,
    ) -> Prediction | Predictions:
        """Predict for one row or for many.

        Long tables are sent in several requests. All of them are answered by the same version, even
        if another one is promoted meanwhile. Indices of rows count from the table's first row.

        Parameters
        ----------
        rows : one row: an object of values by feature, a Series, or a flat list or an array (F,) of
            values in the order of the features. Many rows: a list of such rows, an array
            (N, F), a DataFrame, the path of a CSV file, or a file that is open. NaN, NaT and None
            are missing cells
        interval : the probability with which the truth is to be in the prediction intervals, such
            as 0.9; None for none
        explain : whether to explain the predictions
        version : that predicts; by default the current one
        encoding : of a CSV file, by default UTF-8 or what its byte order mark says

        Returns
        -------
        A `Prediction` for one row, `Predictions` for many.

        Raises
        ------
        InvalidInput
            names the wrong values.
        NoIntervals, NoModel, NotFound
        TypeError, ValueError
            the rows have a type or shape that cannot be sent.
        OSError
            the CSV file cannot be read.
        NumnetError
            any other error.
        """
        options = Options(interval, explain, version)
        if is_one_row(rows):
            return self._predict_row(row_of(rows), options)
        return self._predict_rows(rows, options, encoding)

    def predict_csv(
        self,
        content: bytes,
        *,
        interval: float | None = None,
        explain: bool = False,
        version: str | int | None = None,
        encoding: str | None = None,
    ) -> CsvPredictions:
        """Predict for a CSV table and return the service's own CSV, in one request.

        Parameters
        ----------
        content : a header and a line for each row
        interval, explain, version, encoding : as of `predict`

        Raises
        ------
        ContentTooLarge
            the table is longer than the service allows in one request.
        InvalidInput, NumnetError
        """
        media_type = CSV if encoding is None else f"{CSV}; charset={encoding}"
        requests = self._requests(Options(interval, explain, version))
        answer = requests.post(content, media_type, accept=CSV)
        number = answer.headers.get("X-Model-Version")
        if number is None:
            raise self._unexpected()
        return CsvPredictions(answer.content, number)

    def models(self) -> list[Model]:
        """Return all models of the service.

        Raises
        ------
        NumnetError
        """
        answer = self._transport.send("GET", "/models")
        return self._read(answer, lambda found: [Model.of(each) for each in found["models"]])

    def versions(self) -> Versions:
        """Return the versions of the model, newest first, and its newest promotions.

        Raises
        ------
        NotFound
            there is no such model.
        NumnetError
        """
        return self._read(self._transport.send("GET", self._models_path()), Versions.of)

    def card(self, version: str | int) -> dict[str, Any]:
        """Return everything that is known about a version: how it was trained, how good it is.

        Raises
        ------
        NotFound, VersionRefused, NumnetError
        """
        path = self._models_path(version)
        return self._read(self._transport.send("GET", path), dict)

    def evaluation(self, version: str | int) -> dict[str, Any]:
        """Return how good a version is, as numbers to draw.

        It has `losses` by epoch, and by target `pairs` of actual and predicted values of rows that
        the version was not trained on, the `coverage` of its intervals and the `importance` of its
        features. What a version of an earlier release lacks is empty.

        Raises
        ------
        NotFound, VersionRefused, NumnetError
        """
        path = self._models_path(version, "evaluation")
        return self._read(self._transport.send("GET", path), dict)

    def status(self) -> Status:
        """Return whether predictions are possible now, and by which version.

        Raises
        ------
        NotConnected, TimedOut, BadResponse
        """
        try:
            if self.model is None:
                answer = self._transport.send("GET", "/readyz", retries=0)
                version = self._read(answer, _version)
            else:
                answer = self._transport.send("GET", self._models_path(), retries=0)
                version = self._read(answer, Versions.of).current
        except Problem as error:
            return Status(self.url, ready=False, version=None, reason=error.detail)
        reason = "" if version else "no version is loaded"
        return Status(self.url, ready=version is not None, version=version, reason=reason)

    def metrics(self) -> str:
        """Return the metrics of all server processes in Prometheus's text format.

        Raises
        ------
        NumnetError
        """
        return self._transport.send("GET", "/metrics").content.decode(errors="replace")

    def promote(self, version: str | int) -> Promotion:
        """Make a version current, without asking the gate. Needs the admin token.

        The request is repeated only if it is certain that it was not executed. After a `TimedOut`
        or `NotConnected`, look at `versions()`.

        Raises
        ------
        Unauthorized, Forbidden, NotFound, VersionRefused, NumnetError
        """
        path = self._models_path(version, "promote")
        return self._read(self._transport.send("POST", path), Promotion.of)

    def rollback(self, *, force: bool = False) -> Promotion:
        """Make the previous version current again. Needs the admin token.

        The request is repeated only if it is certain that it was not executed, because a second
        rollback would go one step further back.

        Parameters
        ----------
        force : whether the version may have other features or targets

        Raises
        ------
        Unauthorized, Forbidden, NothingBefore, FeaturesDiffer, NumnetError
        """
        path = self._models_path("rollback")
        return self._read(self._post_json(path, {"force": force}), Promotion.of)

    def retrain(
        self,
        data: str | None = None,
        *,
        wait: bool = False,
        progress: Callable[[Job], object] | None = None,
        key: str | None = None,
        **options: Any,
    ) -> Job:
        """Submit a retraining job. Needs the admin token.

        Every field that is left out is as in the training of the current version. The request
        carries a key, so that a repetition of it gets the same job.

        Parameters
        ----------
        data : `synthetic`, or the name of a table in the service's data folder, as for `upload`
        wait : whether to return when the job has ended, and not before
        progress : called with the job whenever it changes; implies `wait`
        key : of 1 to 255 characters; requests with the same key get the same job. By default a
            random one
        options : the other fields of `POST /retrain`, such as `targets`, `features`, `layers`,
            `max_seconds`, `promote` and `force`

        Returns
        -------
        The job. If it was waited for, its state is promoted, kept_back or unchanged.

        Raises
        ------
        JobActive
            another job of the model is queued or running.
        JobFailed, JobCancelled
            the job that was waited for.
        Unauthorized, Forbidden, InvalidInput, NumnetError
        """
        body = options if data is None else {"data": data, **options}
        body |= {} if self.model is None else {"model": self.model}
        headers = {"Idempotency-Key": uuid.uuid4().hex if key is None else key}
        job = self._read(self._post_json("/retrain", body, headers, safe=True), Job.of)
        if not wait and progress is None:
            return job
        for latest in self.watch(job):
            job = latest
            if progress is not None:
                progress(job)
        if job.state == "failed":
            raise JobFailed(job)
        if job.state == "cancelled":
            raise JobCancelled(job)
        return job

    def watch(self, job: Job | str) -> Iterator[Job]:
        """Yield a job as it is, and again whenever it changes, until it has ended.

        A stream that breaks is opened again, and goes on after the last event. If the service is
        gone, the attempts go on for the total time of a request. Where streams are not possible,
        the job is polled. `loss_history` is complete only in the first and the last
        job.

        Parameters
        ----------
        job : or its id

        Raises
        ------
        NotFound, NumnetError
        """
        for document in job_documents(self._transport, _job_path(job)):
            yield self._record(document, Job.of)

    def job(self, job: Job | str) -> Job:
        """Return a job as it is now.

        Parameters
        ----------
        job : or its id

        Raises
        ------
        NotFound, NumnetError
        """
        return self._read(self._transport.send("GET", _job_path(job)), Job.of)

    def jobs(self) -> list[Job]:
        """Return the newest 50 jobs, newest first: of the client's model, or of all if it has none.

        Raises
        ------
        NumnetError
        """
        query = {} if self.model is None else {"model": self.model}
        answer = self._transport.send("GET", "/retrain", query=query)
        return self._read(answer, lambda found: [Job.of(each) for each in found["jobs"]])

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job; a running one stops within two seconds. Needs the admin token.

        Parameters
        ----------
        job : or its id

        Raises
        ------
        JobFinished, NotFound, Unauthorized, Forbidden, NumnetError
        """
        return self._read(self._transport.send("DELETE", _job_path(job)), Job.of)

    def upload(
        self,
        name: str,
        content: Any,
        *,
        replace: bool = False,
        check: bool = False,
        **columns: str | Sequence[str],
    ) -> Table:
        """Store a table for trainings, after the checks of a training. Needs the admin token.

        Parameters
        ----------
        name : of the table in the service, with an extension such as `.csv`
        content : a path, bytes, a DataFrame, or a file that is open for reading bytes
        replace : whether another table of this name is replaced
        check : whether to return what was understood and to store nothing
        columns : `targets`, `features`, `categories` (lists of names), `weights`, `encoding` and
            `missing`, as for a retraining, to check the table for

        Raises
        ------
        InvalidInput
            a training would refuse the table; the errors name lines and columns.
        TableExists, InsufficientStorage, ContentTooLarge, Unauthorized, Forbidden, NumnetError
        TypeError, OSError
            the content cannot be read.
        ValueError
            the name is the path of a file and the content is not: they are in the wrong order.
        """
        _check_order(name, content)
        body, again = opener(content)
        query: dict[str, str | Sequence[str]] = dict(columns)
        query |= {key: "true" for key, wanted in (("replace", replace), ("check", check)) if wanted}
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/data/{quoted(name)}"
        answer = self._transport.send(
            "POST", path, body=body, headers=headers, query=query, safe=again
        )
        return self._read(answer, Table.of)

    def download(self, version: str | int, path: str | os.PathLike[str] | None = None) -> Path:
        """Save a version's file, which `numpy.load` reads, and return its path.

        Parameters
        ----------
        path : of the file, or a folder; by default a file in the current folder. The file appears
            when it is complete

        Raises
        ------
        NotFound, VersionRefused, NumnetError
        OSError
            the file cannot be written.
        """
        return self._save(self._models_path(version, "weights.npz"), version, "npz", path)

    def export(
        self,
        version: str | int,
        kind: str = "onnx",
        path: str | os.PathLike[str] | None = None,
        *,
        level: float | None = None,
        form: str | None = None,
    ) -> Path:
        """Save a version in a form that needs no numnet, and return its path.

        Parameters
        ----------
        kind : of the file, its suffix: onnx, c, js, json or sql
        path : as of `download`
        level : with this level, the file computes prediction intervals, too
        form : a variant of the kind, such as `folded` for ONNX

        Raises
        ------
        NotExportable, NoIntervals, NotFound, VersionRefused, NumnetError
        OSError
            the file cannot be written.
        """
        query = {} if level is None else {"level": str(level)}
        query |= {} if form is None else {"form": form}
        address = self._models_path(version, f"model.{kind}")
        return self._save(address, version, kind, path, query)

    def report(self, version: str | int, path: str | os.PathLike[str] | None = None) -> Path:
        """Save the report of a version, a web page in one file, and return its path.

        Parameters
        ----------
        path : as of `download`

        Raises
        ------
        NotFound, VersionRefused, NumnetError
        OSError
            the file cannot be written.
        """
        return self._save(self._models_path(version, "report"), version, "html", path)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        safe: bool | None = None,
    ) -> Answer:
        """Send a request that no other method makes, with the same timeouts, retries and errors.

        Parameters
        ----------
        path : from the service's URL on, quoted; see `path`
        body : bytes, or a function that opens the body again for each attempt
        safe : whether the request may be executed twice; by default if it is a GET

        Raises
        ------
        NumnetError
        """
        return self._transport.send(
            method, path, body=body, headers=headers, query=query, safe=safe
        )

    def path(self, path: str) -> str:
        """Return the path of an endpoint of the client's model, such as `/predict`."""
        return self._path(path)

    def version_path(self, version: str | int, path: str) -> str:
        """Return the path of what a version has, such as `weights.npz`."""
        return self._models_path(version, path)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        model = "" if self.model is None else f", model={self.model!r}"
        return f"<numnet.Client {self.url}{model}>"

    def _predict_row(self, row: dict[str, Any] | list[Any], options: Options) -> Prediction:
        document = row if isinstance(row, dict) else {"instances": [row]}
        answer = self._requests(options).post(json.dumps(document).encode(), JSON)
        if isinstance(row, dict):
            return self._read(answer, Prediction.of)
        return self._read(answer, Predictions.of)[0]

    def _predict_rows(self, rows: Any, options: Options, encoding: str | None) -> Predictions:
        requests = self._requests(options)

        def features() -> Sequence[str] | None:
            return self._numbers_of(requests.version)

        for block in blocks_of(rows, features, self.block_bytes, encoding):
            requests.post_block(block, lambda answer: self._read(answer, Predictions.of))
        return joined(requests.answered)

    def _requests(self, options: Options) -> PredictRequests:
        return PredictRequests(self._transport, self._path("/predict"), options)

    def _numbers_of(self, version: str | None) -> Sequence[str] | None:
        """Return the names of a version's features; None if not all of them are numbers."""
        columns = [] if version is None else self.card(version).get("columns", [])
        if not columns or any(each["kind"] != "number" for each in columns):
            return None
        return [each["name"] for each in columns]

    def _path(self, path: str) -> str:
        return path if self.model is None else f"/models/{quoted(self.model)}{path}"

    def _models_path(self, *segments: str | int) -> str:
        start = "/models" if self.model is None else self._path("")
        return "/".join([start, *(quoted(str(each)) for each in segments)])

    def _save(
        self,
        address: str,
        version: str | int,
        ending: str,
        path: str | os.PathLike[str] | None,
        query: Mapping[str, str] | None = None,
    ) -> Path:
        answer = self._transport.send("GET", address, query=query)
        file = Path() if path is None else Path(path)
        if file.is_dir():
            file /= f"{self.model or 'numnet'}-{version}.{ending}"
        with written_whole(file) as written:
            written.write(answer.content)
        return file

    def _post_json(
        self,
        path: str,
        document: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        safe: bool = False,
    ) -> Answer:
        headers = {"Content-Type": JSON, **(headers or {})}
        body = json.dumps(document).encode()
        return self._transport.send("POST", path, body=body, headers=headers, safe=safe)

    def _read(self, answer: Answer, read: Callable[[Any], T]) -> T:
        """Return what a function makes of the JSON of a response.

        Raises
        ------
        BadResponse
        """
        return self._record(read_json(answer.content), read)

    def _record(self, document: Any, read: Callable[[Any], T]) -> T:
        try:
            return read(document)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self._unexpected() from None

    def _unexpected(self) -> BadResponse:
        return BadResponse(
            f"the response of {self.url} is not as expected: is it a numnet service of this "
            "release or a newer one?"
        )


def _check_order(name: object, content: object) -> None:
    """Raise an error if the arguments of `upload` are in the wrong order."""
    expected = "expected first the name of the table in the service, then the file or its content"
    if not isinstance(name, str):
        raise TypeError(f"{expected}; got a {type(name).__name__} as the name")
    if isinstance(content, str) and Path(name).is_file() and not Path(content).exists():
        raise ValueError(f"{expected}; there is no file {content}, and {name} is one")


def _job_path(job: Job | str) -> str:
    return f"/retrain/{quoted(job.id if isinstance(job, Job) else job)}"


def _version(document: Any) -> str | None:
    return str(document["version"])
