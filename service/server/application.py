"""The interface between the server and an application."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from wsgiref.types import WSGIApplication

from service.server.wsgi_bridge import Headers
from service.telemetry.access_log import AccessLog
from service.telemetry.meter import Meter
from service.telemetry.request_context import RequestContext

# The header lines and the body of a 200, or None for the WSGI application to respond.
FastPath = Callable[
    [RequestContext, bytes, Mapping[bytes, bytes], bytes], tuple[bytes, bytes] | None
]
# Status, media type and body of an error response, from path, status and detail.
ErrorDocument = Callable[[str, int, str], tuple[int, str, bytes]]
# The group of a request, from path and header fields, whose names are in lower case.
GroupOf = Callable[[str, Headers], str]
# The unbuffered file for a body, from context and header fields; None if it stays in memory.
OpenUpload = Callable[[RequestContext, Mapping[bytes, bytes]], BinaryIO | None]


@dataclass(frozen=True)
class ServedApplication:
    """An application, with what the server needs besides WSGI.

    Attributes
    ----------
    wsgi : answers every request
    fast_path : answers a context, a query, header fields and a body, on the event loop
    fast_path_ending : with which the paths end that it may answer
    is_quick : whether the WSGI application answers a path without I/O, so on the event loop
    group_of : the group of a request, such as the model that it asks for; empty if it has none.
        Groups share threads, queue and memory, so that a flood of one leaves room to the others
    upload_prefix : with which the paths begin whose bodies may go to files
    open_upload : decides that on the event loop, before the body arrives; the file is `wsgi.input`
    spared_paths : paths that are accepted when the queue is full
    readiness_paths : paths that get a 503 when every thread is blocked
    error_document : bodies of the server's own error responses
    error_headers : header fields of every error response
    trusted_proxies : addresses and networks whose `X-Forwarded-For` is believed; `*` for any
    on_stop : called on the event loop when a stop begins; ends streams
    """

    wsgi: WSGIApplication
    error_document: ErrorDocument
    meter: Meter
    access_log: AccessLog
    fast_path: FastPath = lambda context, query, fields, body: None
    fast_path_ending: bytes = b""
    is_quick: Callable[[str], bool] = lambda path: False
    group_of: GroupOf = lambda path, headers: ""
    upload_prefix: bytes = b"/uploads/"
    open_upload: OpenUpload = lambda context, fields: None
    spared_paths: frozenset[str] = frozenset()
    readiness_paths: frozenset[str] = frozenset()
    error_headers: tuple[tuple[bytes, bytes], ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    on_stop: Callable[[], None] = lambda: None
