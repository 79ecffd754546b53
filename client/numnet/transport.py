"""Requests with timeouts, and repetitions of what is safe to repeat."""

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import IO, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from numnet.errors import (
    BadResponse,
    NotConnected,
    NumnetError,
    Problem,
    Redirected,
    TimedOut,
    problem,
)

MAX_RESPONSE_BYTES = 1024 * 1024 * 1024  # decompressed; a larger one is not read to its end
_CONNECTIONS = 64  # that are kept for the next request, of any number of threads
_PART_BYTES = 256 * 1024
_OVERLOADED = frozenset((429, 502, 503, 504))
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0

# A function opens the body again for each attempt.
Body = bytes | Callable[[], AbstractContextManager[IO[bytes]]] | None
Query = Mapping[str, str | Sequence[str]]  # several values: the parameter is repeated


@dataclass(frozen=True)
class Timeout:
    """How long a request may take.

    Attributes
    ----------
    connect_seconds : for a connection
    read_seconds : between two parts of the response
    total_seconds : for the whole request with all its repetitions and the pauses between them
    """

    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    total_seconds: float = 120.0

    @classmethod
    def of(cls, timeout: "float | Timeout") -> "Timeout":
        """Return a timeout; a number is that of the whole request."""
        if not isinstance(timeout, Timeout):
            default = cls()
            timeout = cls(
                min(default.connect_seconds, timeout), min(default.read_seconds, timeout), timeout
            )
        seconds = timeout.connect_seconds, timeout.read_seconds, timeout.total_seconds
        if not all(each > 0 for each in seconds):
            raise ValueError(f"a timeout must be greater than 0, got {min(seconds)}")
        return timeout


@dataclass(frozen=True)
class Answer:
    """A complete response.

    Attributes
    ----------
    headers : without regard to upper and lower case
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the parsed body.

        Raises
        ------
        BadResponse
        """
        if (document := read_json(self.content)) is None:
            raise BadResponse("the response is not JSON: is this the address of a numnet service?")
        return document


class _Bearer(AuthBase):
    """Adds the token. With it, requests takes no password from the URL or a .netrc file."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass
class Transport:
    """Sends requests to one service. Safe to share between threads.

    All threads share one pool of connections, which is thread-safe. The session around it has no
    other state that changes: cookies are refused. After a fork, the child makes a pool of its own,
    because two processes cannot share a connection.

    Attributes
    ----------
    url : of the service, without a slash at the end
    retries : the number of repetitions of a request that is safe to repeat
    """

    url: str
    token: str | None = field(repr=False)
    timeout: Timeout
    retries: int
    user_agent: str
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _session: requests.Session | None = field(default=None, repr=False)
    _process: int = field(default=0, repr=False)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        safe: bool | None = None,
        retries: int | None = None,
    ) -> Answer:
        """Return a complete response with a status below 300.

        Parameters
        ----------
        path : from the service's URL on, quoted
        safe : whether the request may be executed twice; by default if it is a GET. Others are
            repeated only if it is certain that they were not executed
        retries : by default the transport's

        Raises
        ------
        NotConnected, TimedOut, BadResponse, Problem
        """
        deadline = time.monotonic() + self.timeout.total_seconds
        safe = method == "GET" if safe is None else safe
        pauses = pauses_seconds(self.retries if retries is None else retries)
        while True:
            try:
                with self.open(
                    method, path, body=body, headers=headers, query=query, deadline=deadline
                ) as response:
                    content = b"".join(parts(response, deadline))
                    return Answer(response.status_code, response.headers, content)
            except NumnetError as error:
                pause = next(pauses, None) if may_repeat(error, safe=safe) else None
                if pause is None:
                    raise
                pause = max(pause, getattr(error, "retry_after_seconds", None) or 0.0)
                if time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        *,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        deadline: float,
        read_seconds: float | None = None,
    ) -> Iterator[requests.Response]:
        """Send a request once; yield the response when its head is there and its status is good.

        Parameters
        ----------
        deadline : of the monotonic clock
        read_seconds : between two parts of the response, by default the transport's

        Raises
        ------
        NotConnected, TimedOut, BadResponse, Problem
        """
        left = max(deadline - time.monotonic(), 0.001)
        connect_seconds = min(self.timeout.connect_seconds, left)
        read_seconds = min(read_seconds or self.timeout.read_seconds, left)
        with body() if callable(body) else nullcontext(body) as content:
            try:
                response = self._current_session().request(
                    method,
                    self.url + path,
                    params=query,
                    data=content,
                    headers=headers,
                    auth=_Bearer(self.token),
                    timeout=(connect_seconds, read_seconds),
                    allow_redirects=False,
                    stream=True,
                )
            except requests.RequestException as error:
                raise self._failure(error) from error
        with response:
            if response.status_code >= 300:
                raise self._error(response, b"".join(parts(response, deadline)))
            yield response

    def close(self) -> None:
        """Close the connections. The next request opens new ones."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _current_session(self) -> requests.Session:
        with self._lock:
            if self._session is None or self._process != os.getpid():
                self._session, self._process = _new_session(self.user_agent), os.getpid()
            return self._session

    def _failure(self, error: requests.RequestException) -> NumnetError:
        """Return the error of a request without a response."""
        if isinstance(error, requests.ConnectTimeout):
            return TimedOut(f"{self.url} does not accept connections: timeout", not_sent=True)
        if isinstance(error, requests.Timeout):
            return TimedOut(f"{self.url} did not answer in time")
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        not_sent = isinstance(reason, urllib3.exceptions.NewConnectionError)
        return NotConnected(f"no connection to {self.url}: {_cause(error)}", not_sent=not_sent)

    def _error(self, response: requests.Response, content: bytes) -> NumnetError:
        """Return the error of a response with a status from 300 on."""
        status, headers = response.status_code, response.headers
        if status < 400:
            location = headers.get("Location", "")
            return Redirected(
                f"{self.url} redirects to {location or 'nowhere'}, which the client does not "
                "follow; give the service's own address",
                location,
            )
        media_type = headers.get("Content-Type", "").partition(";")[0].strip()
        document = read_json(content) if media_type == "application/problem+json" else None
        if not isinstance(document, dict):
            detail = "the response is no problem document: is this the address of a numnet service?"
            document = {"title": response.reason or "", "detail": detail}
        request_id = headers.get("X-Request-ID", "")
        return problem(status, document, request_id, _retry_after_seconds(headers))


def parts(
    response: requests.Response, deadline: float, limit: int = MAX_RESPONSE_BYTES
) -> Iterator[bytes]:
    """Yield the body of a response as it arrives.

    Parameters
    ----------
    deadline : of the monotonic clock
    limit : bytes, decompressed

    Raises
    ------
    NotConnected, TimedOut, BadResponse
    """
    size = 0
    try:
        while part := response.raw.read1(_PART_BYTES, decode_content=True):
            yield part
            size += len(part)
            if size > limit:
                raise BadResponse(f"the response is longer than {limit:,} bytes")
            if time.monotonic() > deadline:
                raise TimedOut("the response was not complete in time")
    except urllib3.exceptions.TimeoutError as error:
        raise TimedOut("the response was not complete in time") from error
    except urllib3.exceptions.DecodeError as error:
        raise BadResponse("the response does not decompress") from error
    except urllib3.exceptions.HTTPError as error:
        message = f"the connection broke before the response was complete: {_cause(error)}"
        raise NotConnected(message) from error


def read_json(content: bytes) -> Any:
    """Return a parsed body; None if it is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def may_repeat(error: NumnetError, *, safe: bool) -> bool:
    """Return whether a request may succeed if it is repeated, without being executed twice.

    Parameters
    ----------
    safe : whether it may be executed twice
    """
    if isinstance(error, NotConnected | TimedOut):
        return safe or error.not_sent
    if isinstance(error, Problem):
        return error.status == 429 or (safe and error.status in _OVERLOADED)
    return False


def pauses_seconds(count: int) -> Iterator[float]:
    """Yield pauses that double each time, up to a longest one, shortened by up to a half at random.

    Clients that failed at the same time do not come back at the same time.
    """
    pause = _FIRST_PAUSE_SECONDS
    for _ in range(count):
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
        pause = min(2.0 * pause, _LONGEST_PAUSE_SECONDS)


def _new_session(user_agent: str) -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = user_agent
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS, max_retries=0)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what `Retry-After` asks for: a number of seconds or a date."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        return urllib3.Retry().parse_retry_after(text)
    except (urllib3.exceptions.InvalidHeader, ValueError):  # the latter of very many digits
        return None


def _cause(error: BaseException) -> str:
    """Return the operating system's reason for an error, or the error's own text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
