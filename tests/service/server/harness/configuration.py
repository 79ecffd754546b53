"""The settings and limits of a server under test."""

import json
from dataclasses import asdict, dataclass, field
from typing import Self


@dataclass(frozen=True)
class Limits:
    """Limits of the server; None keeps the server's own value.

    Attributes
    ----------
    head_seconds : time from the first byte of a request to the end of its head
    body_seconds : period in which a body or a response has to make progress
    min_bytes_per_second : the least progress of a body or a response, averaged over that period
    idle_seconds : time without a request after which a kept-alive connection is closed
    linger_seconds : time for which the server reads on after its last response to a client
    stop_idle_seconds : time for which a stopping server waits for requests on open connections
    graceful_seconds : time for which a stopping server waits for running requests
    max_connections : open connections of one process
    buffered_bodies : memory for bodies and responses, in bodies of `max_body_bytes`
    long_response_seconds, long_responses, long_bytes_per_second : how long a response to a long
        body keeps the next one waiting, how many there may be at a time, and their least progress
    """

    head_seconds: float | None = None
    body_seconds: float | None = None
    min_bytes_per_second: int | None = None
    idle_seconds: float | None = None
    linger_seconds: float | None = None
    stop_idle_seconds: float | None = None
    graceful_seconds: int | None = None
    max_connections: int | None = None
    buffered_bodies: int | None = None
    long_response_seconds: float | None = None
    long_responses: int | None = None
    long_bytes_per_second: float | None = None


@dataclass(frozen=True)
class Configuration:
    """The service's settings of the same names, and the server's limits."""

    workers: int = 1
    threads: int = 1
    max_waiting: int = 64
    deadline_seconds: float = 60.0
    max_body_bytes: int = 1_000_000
    forwarded_allow_ips: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        members = json.loads(text)
        members["limits"] = Limits(**members["limits"])
        members["forwarded_allow_ips"] = tuple(members["forwarded_allow_ips"])
        return cls(**members)
