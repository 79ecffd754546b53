"""Watch a retraining job by server-sent events, and by polling where there are none."""

import sys
import time
from collections.abc import Iterator
from typing import Any

from numnet.errors import BadResponse, NotConnected, NumnetError, TimedOut, Unavailable
from numnet.records import ACTIVE_STATES
from numnet.transport import Transport, may_repeat, parts, pauses_seconds, read_json

POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 2.0  # so that a restarted service is watched soon
_SILENCE_SECONDS = 45.0  # the service sends a heartbeat every 15 s
_LONG_MEMBERS = ("request", "decisions", "loss_history")  # only in the first and the last event
_MAX_EVENT_BYTES = 16 * 1024 * 1024

Document = dict[str, Any]


def job_documents(transport: Transport, path: str) -> Iterator[Document]:
    """Yield a job as it is, and again whenever it changes, until it is in a final state.

    A stream that breaks is opened again, and goes on after the last event. A service that is being
    restarted is awaited for the total time of a request, unless requests are not to be repeated. If
    the service has no room for another stream, or a proxy does not let it through or ends it before
    a new event, the job is polled.

    Parameters
    ----------
    path : of the job

    Raises
    ------
    NumnetError
        the service is gone for longer, or did not answer the first attempts.
    """
    last_id, document = "", Document()
    pauses = outage = pauses_seconds(transport.retries)
    while True:
        try:
            for event_id, members in _events(transport, path, last_id):
                if event_id == last_id:
                    continue  # the first event of a connection may be known
                pauses, outage = pauses_seconds(transport.retries), _outage_pauses(transport)
                last_id, document = event_id, _with_long_members(members, document)
                yield document
                if not _is_active(document):
                    return
            pause = next(pauses, None)  # the service was stopped
        except (BadResponse, Unavailable):
            pause = None
        except NumnetError as error:
            pause = next(outage, None) if may_repeat(error, safe=True) else None
            if pause is None:
                raise
        if pause is None:
            yield from _polled(transport, path, document)
            return
        time.sleep(pause)


def _polled(transport: Transport, path: str, document: Document) -> Iterator[Document]:
    """Yield a job whenever it differs from the document before, until it is in a final state."""
    outage = _outage_pauses(transport)
    while True:
        try:
            answer = transport.send("GET", path)
        except (NotConnected, TimedOut, Unavailable):
            if not document or (pause := next(outage, None)) is None:
                raise
            time.sleep(pause)
            continue
        outage = _outage_pauses(transport)
        latest = read_json(answer.content)
        if not isinstance(latest, dict) or "state" not in latest:
            raise BadResponse(f"the response of {transport.url} is not a job")
        if latest != document:
            document = latest
            yield document
        if not _is_active(document):
            return
        time.sleep(POLL_SECONDS)


def _outage_pauses(transport: Transport) -> Iterator[float]:
    """Yield pauses from the first failure on, until the total time of a request is over."""
    if not transport.retries:
        return
    deadline = time.monotonic() + transport.timeout.total_seconds
    for pause in pauses_seconds(sys.maxsize):
        left = deadline - time.monotonic()
        if left <= 0.0:
            return
        yield min(pause, left, _LONGEST_PAUSE_SECONDS)


def _events(transport: Transport, path: str, last_id: str) -> Iterator[tuple[str, Document]]:
    """Yield the id and the data of each event of one stream."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
    with transport.open(
        "GET",
        f"{path}/events",
        headers=headers,
        deadline=float("inf"),
        read_seconds=_SILENCE_SECONDS,
    ) as response:
        media_type = response.headers.get("Content-Type", "").partition(";")[0]
        if media_type != "text/event-stream":
            raise BadResponse(f"the response of {transport.url} is no stream of events")
        waiting = b""
        for part in parts(response, float("inf")):
            *blocks, waiting = (waiting + part).replace(b"\r\n", b"\n").split(b"\n\n")
            yield from filter(None, map(_event, blocks))
            if len(waiting) > _MAX_EVENT_BYTES:
                raise BadResponse("an event is too long")


def _event(block: bytes) -> tuple[str, Document] | None:
    """Return the id and the data of an event; None for a heartbeat."""
    fields = dict[bytes, bytes]()
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields[name] = value.strip()
    if b"data" not in fields:
        return None
    document = read_json(fields[b"data"])
    if not isinstance(document, dict) or "state" not in document:
        raise BadResponse("an event is not a job")
    return fields.get(b"id", b"").decode(errors="replace"), document


def _with_long_members(members: Document, before: Document) -> Document:
    return {name: before[name] for name in _LONG_MEMBERS if name in before} | members


def _is_active(document: Document) -> bool:
    return document["state"] in ACTIVE_STATES
