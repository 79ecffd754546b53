"""HTTP/1.1 over one connection: uvicorn's protocol, with what it leaves open.

uvicorn parses (httptools, llhttp in C), runs the ASGI application, writes responses and keeps
pipelined requests in order. This subclass adds limits, checks of the head, timeouts, half-closed
connections, fairness between clients, and the fast path. A request reaches the application when all
of it has arrived, so that slow clients cost no task.

Beyond public methods it relies on these attributes of uvicorn 0.54.0, which is pinned for that:
`client`, `config`, `cycle` (with its `disconnected`, `keep_alive`, `response_complete`, `scope`),
`expect_100_continue`, `flow`, `headers`, `loop`, `parser`, `pipeline`, `scheme`, `scope`,
`server_state`, `transport`, `url`; and on `on_headers_complete` being what makes a cycle and starts
or queues it.
"""

import asyncio
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.server.connection.head import (
    Refused,
    check_head,
    joined,
    malformed,
    origin_form,
    path_of,
    too_large,
    unwritable,
)
from service.server.connection.transport import Transport
from service.server.connection.upload import Upload, WrittenBody
from service.server.known_heads import KnownHead
from service.telemetry.request_context import RequestContext, acceptable_request_id

if TYPE_CHECKING:
    from service.server.front_door import FrontDoor

SLICE_BYTES = 1024  # parsed at a time, since there may be several requests in it
SLICES_PER_TURN = 16  # before other connections have their turn
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Protocol(HttpToolsProtocol):
    """One connection."""

    transport: Transport  # type: ignore[assignment]  # it has what uvicorn uses

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._use_new_parser()
        self.door: FrontDoor = self.config.app  # type: ignore[assignment]
        self.limits, self.admission = self.door.limits, self.door.admission
        self._unparsed, self._body = bytearray(), BytesIO()
        self._upload: Upload | None = None  # takes the body instead
        self._begun = self._head_complete = self._is_cut = False  # of the request that arrives
        self._body_length = 0
        self._quiet_bytes = 0  # parsed since the last byte of a body
        self._group: str | None = None  # of the request that arrives
        self._fast: KnownHead | None = None  # of the last request, if the fast path responded
        self._refused: tuple[int, str, str] | None = None  # to be sent after the running response
        self.on_disconnect: Callable[[], object] = lambda: None  # set by the running response
        self._at_eof = self._lingers = self._is_scheduled = False
        self._since = self.loop.time()
        self._moved_bytes = 0  # of bodies
        self._measured: tuple[float, int] | None = None
        self.least_rate = self.limits.min_bytes_per_second  # of the body or the response

    # Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Transport(transport, self._linger)
        self.peer = self.client[0] if self.client else ""
        self.admission.admit_connection(self, self.loop.time())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.admission.clients.discard(self)
        self.admission.unread.discard(self)
        self._forget(sum(len(cycle.scope["state"]["body"]) for cycle, _ in self.pipeline))
        self.pipeline.clear()
        self.on_disconnect()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a half-closed connection until its requests are answered; end a stream."""
        self._at_eof = True
        self.on_disconnect()
        if self._lingers or self.idle_since is not None:
            return False
        if not self._is_busy():
            self._refuse_incomplete()
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self.admission.unread.add(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.admission.unread.discard(self)
        self._proceed()

    # Bytes

    def data_received(self, data: bytes) -> None:
        if self._lingers or self._refused or self._respond_to_known_head(data):
            return
        at_once = max(SLICE_BYTES, self._missing_bytes())  # without a copy
        if self._unparsed or len(data) > at_once or self._is_busy():
            self._unparsed += data
            self.admission.held_bytes += len(data)
            self._parse()
        else:
            self._feed(data)
        if self._upload is not None and self._upload.is_writing:
            self.flow.pause_reading()  # until `_continue_upload`
        if self.admission.held_bytes > self.limits.memory_bytes:
            self.admission.make_room(self.group)

    def _parse(self) -> None:
        """Parse what has arrived slice by slice, until a response has to come first."""
        self._is_scheduled = False
        for _ in range(SLICES_PER_TURN):
            if self._lingers or not self._unparsed or self._is_busy():
                break
            part = bytes(self._unparsed[: max(SLICE_BYTES, self._missing_bytes())])
            del self._unparsed[: len(part)]
            self.admission.held_bytes -= len(part)
            self._feed(part)
        else:
            if not self._is_scheduled:
                self._is_scheduled = True
                self.loop.call_soon(self._parse)
        if self._unparsed:
            self.flow.pause_reading()
            return
        self.flow.resume_reading()
        if self._at_eof and not self._is_busy():
            self._refuse_incomplete()

    def _proceed(self) -> None:
        """Continue with what the client has sent, unless a response has to come first."""
        if self.transport.is_closing():
            return
        if self._is_busy():
            if self._unparsed:  # uvicorn has resumed reading
                self.flow.pause_reading()
        elif self._refused:
            self.refuse(*self._refused)
        elif self._unparsed:
            self._parse()
        elif self._at_eof:
            self._refuse_incomplete()
        else:
            self._continue_if_expected()

    def _feed(self, data: bytes) -> None:
        is_first = not self._begun
        if is_first:
            self._since = self.loop.time()
        self._quiet_bytes += len(data)
        self._fast = None
        rest = b""
        try:
            self.parser.feed_data(data)
            if is_first and self._fast:
                self.door.known_heads.add(data, self._fast)
            if self._quiet_bytes > self.limits.head_bytes and not self._missing_bytes():
                raise too_large()
            self._continue_if_expected()
        except httptools.HttpParserUpgrade as upgrade:
            rest = self._head_without_upgrade() + data[upgrade.args[0] :]
            self._use_new_parser()  # after `Connection: close`, this one would ignore the rest
        except Refused as refused:
            self._refuse_malformed(refused)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, Refused):
                raise
            self._refuse_malformed(error.__context__)
        except httptools.HttpParserError as error:
            version = "1.1" if self._head_complete else self.parser.get_http_version()
            self._refuse_malformed(malformed(error, version, data, self.headers or []))
        if rest:  # not within `except`, which would replace the context of the parser's error
            self._feed(rest)

    def _use_new_parser(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        # What follows `Connection: close` is ignored; a client of HTTP/1.2 gets HTTP/1.1.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True, lenient_version=True)

    def _head_without_upgrade(self) -> bytes:
        """Return the head again, without the Upgrade field, for which the parser skips the body."""
        version = self.parser.get_http_version().encode()
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        return line + b"".join(fields) + b"\r\n"

    # Requests

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun, self._head_complete, self._is_cut = True, False, False
        self._quiet_bytes = self._body_length = 0
        self._group = None

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        line = self.parser.get_method(), self.url, b"HTTP/1.1"
        if sum(map(len, line)) + len(line) - 1 > self.limits.line_bytes:
            raise Refused(414, "the request line is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_complete:  # trailers are dropped
            self.headers.append((name.lower(), value.rstrip()))
            self.expect_100_continue = self.expect_100_continue or self.headers[-1][0] == b"expect"

    def on_headers_complete(self) -> None:
        """Check the head; the request goes on when its body has arrived."""
        version, method = self.parser.get_http_version(), self.parser.get_method()
        if self.parser.should_upgrade() and method != b"CONNECT":
            return  # `_feed` has the head parsed again
        self._head_complete, self._measured = True, None
        self._body_length = check_head(version, method, self.url, self.headers, self.limits)
        self.url = origin_form(self.url, self.headers)
        self.expect_100_continue = self.expect_100_continue and version != "1.0"
        self._upload = self._open_upload()
        if self._body_length > self._body_limit:
            self._cut(self._body_length)

    def _open_upload(self) -> Upload | None:
        """Return where the body is written to, if the application wants it in a file."""
        if not self.url.startswith(self.door.application.upload_prefix):
            return None
        fields = joined(self.headers)
        try:
            file = self.door.application.open_upload(self._context(fields), fields)
        except OSError as error:
            raise unwritable(error) from error
        return Upload(file, self.door.writer, self._continue_upload) if file else None

    @property
    def _body_limit(self) -> int:
        return self.limits.upload_bytes if self._upload else self.limits.body_bytes

    def _continue_upload(self) -> None:
        """Take more of the body, of which a part has been written."""
        if self._upload is not None and self._upload.error is not None and not self._lingers:
            self._refuse_malformed(unwritable(self._upload.error))
        if not self._unparsed:
            self.flow.resume_reading()

    def on_body(self, body: bytes) -> None:
        if self._is_cut:
            return
        self._quiet_bytes = 0
        self._moved_bytes += len(body)
        if self._upload is not None:
            self._upload.add(body)
        else:
            self._body.write(body)
            self.admission.held_bytes += len(body)
        if self._arrived_bytes > self._body_limit:
            self._cut(self._arrived_bytes)

    def on_message_complete(self) -> None:
        if not self._head_complete:
            return  # it has an Upgrade field
        self._begun = False
        if self._is_cut or self._lingers:
            return
        length, file = self._arrived_bytes, self._finished_upload()
        body, self._body = self._body.getvalue(), BytesIO()  # the same bytes: not a copy
        fields = joined(self.headers)
        context = self._context(fields)
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        target, _, query = self.url.partition(b"?")
        head = KnownHead(context.method, context.path, query, fields, len(body), keep_alive)
        ending = self.door.application.fast_path_ending
        is_fast = bool(ending) and target.endswith(ending) and not self._is_busy()
        if file is not None:
            self.scope["state"]["upload"] = file
            self.scope["state"]["content_length"] = length
            self._start(context, body)
        elif is_fast and self._respond_fast(context, head, body):
            self.admission.held_bytes -= len(body)
            self._fast = head
        else:
            self._start(context, body)

    def _finished_upload(self) -> WrittenBody | None:
        """Return the whole body, if it was written to a file."""
        upload, self._upload = self._upload, None
        if upload is None:
            return None
        try:
            return upload.finish()
        except OSError as error:
            upload.drop()
            raise unwritable(error) from error

    def _respond_fast(self, context: RequestContext, head: KnownHead, body: bytes) -> bool:
        """Send a whole response if the fast path has one; return whether it has."""
        date = tuple(self.server_state.default_headers)
        keep_alive = head.keep_alive and not self.door.stopping
        response = self.door.fast_response(context, head, body, date, keep_alive)
        if response is None:
            return False
        self._since = self.loop.time()
        self.transport.write(response)
        if not keep_alive:
            self.transport.close()
        return True

    def _respond_to_known_head(self, data: bytes) -> bool:
        """Respond without parsing to a request whose head came before; return whether it did."""
        if self.idle_since is None or (found := self.door.known_heads.find(data)) is None:
            return False
        head, body = found
        context = self._context_of(head.method, head.path, head.fields)
        return self._respond_fast(context, head, body)

    def _start(self, context: RequestContext, body: bytes) -> None:
        """Make uvicorn's cycle of request and response, and start or queue it."""
        self.scope["client"] = (context.client, self.client[1] if self.client else 0)
        super().on_headers_complete()
        cycle = self.cycle

        def is_closing() -> bool:
            cycle.disconnected |= self.transport.is_closing()  # else uvicorn logs an error
            return cycle.disconnected

        state = {"context": context, "body": body, "is_closing": is_closing, "connection": self}
        self.scope["state"].update(state)
        if self.door.stopping or self._is_cut:
            cycle.keep_alive = False
        self._measured = None
        self.flow.resume_reading()  # to notice a disconnection; `_parse` limits what is read

    def _cut(self, length: int) -> None:
        """Let the application refuse a body that is too long, without the body."""
        self._is_cut, self.expect_100_continue = True, False
        self.admission.held_bytes -= self._body.tell()
        self._body = BytesIO()
        self._drop_upload()
        self.scope["state"]["content_length"] = length
        self._start(self._context(joined(self.headers)), b"")

    def _continue_if_expected(self) -> None:
        is_incomplete = self._begun and self._head_complete
        if self.expect_100_continue and is_incomplete and not self._is_busy():
            self.expect_100_continue = False
            if not self._arrived_bytes:
                self.transport.write(_CONTINUE)

    def on_response_complete(self) -> None:
        """Continue with what the client has sent after the request."""
        self.on_disconnect = lambda: None
        super().on_response_complete()
        self._since, self._measured = self.loop.time(), None
        self.least_rate = self.limits.min_bytes_per_second
        self._proceed()

    def _context(self, fields: dict[bytes, bytes]) -> RequestContext:
        method = self.parser.get_method().decode() if self._head_complete else ""
        return self._context_of(method, path_of(self.url), fields)

    def _context_of(self, method: str, path: str, fields: dict[bytes, bytes]) -> RequestContext:
        client = self.peer
        if forwarded := fields.get(b"x-forwarded-for"):
            client = self.door.forwarding.client(client, forwarded)
        context = RequestContext(
            method,
            path,
            client,
            acceptable_request_id(fields.get(b"x-request-id", b"").decode("latin-1")),
            fields.get(b"traceparent", b"").decode("latin-1"),
        )
        if prefix := fields.get(b"x-forwarded-prefix"):
            context.prefix = self.door.forwarding.prefix(self.peer, prefix)
        return context

    # Refusals, timeouts, shutdown

    def _refuse_malformed(self, refused: Refused) -> None:
        self.refuse(refused.status, refused.detail, "malformed")

    def refuse(self, status: int, detail: str, reason: str) -> None:
        """Drop what has arrived; send an error response after those before it, and close."""
        self._forget()
        if self.transport.is_closing():
            return
        if self._is_busy():
            self._refused = status, detail, reason
            return
        context = RequestContext("", "/", self.peer, acceptable_request_id(""))
        if self._begun:
            context = self._context(joined(self.headers))
        date = self.server_state.default_headers
        self.transport.write(self.door.refusal(context, status, detail, date))
        self.door.application.meter.count_refusal(reason)
        self.transport.close()

    def _refuse_incomplete(self) -> None:
        """The client sends no more: refuse a request that is cut short, or close."""
        if self._begun:
            self.refuse(400, "the request is cut short", "malformed")
        else:
            self.transport.close()

    def check_timeouts(self, now: float) -> None:
        """Close or refuse a client that takes too long; to be called every second or so."""
        limits = self.limits
        if unsent := self.unsent_bytes:
            if self._is_too_slow(now, self.transport.written - unsent):
                self.transport.abort()
        elif self._lingers or self.idle_since is not None:
            patience = limits.linger_seconds if self._lingers else limits.idle_seconds
            if now - self._since > patience:
                self.transport.abort()
        elif self._is_busy():
            self._measured = None
        elif self._head_complete and self._is_too_slow(now, self._moved_bytes):
            self.refuse(408, "the request body did not arrive in time", "slow")
        elif not self._head_complete and now - self._since > limits.head_seconds:
            self.refuse(408, "the request did not arrive in time", "slow")

    def _is_too_slow(self, now: float, moved: int) -> bool:
        """Return whether fewer bytes moved in a period than have to."""
        since, before = self._measured = self._measured or (now, moved)
        if now - since <= self.limits.body_seconds:
            return False
        self._measured = now, moved
        return moved - before < self.limits.body_seconds * self.least_rate

    def shutdown(self) -> None:
        """Close after the response to the last request that has arrived."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def close_if_idle(self) -> None:
        """Close unless a request has begun to arrive or is being answered."""
        if self.idle_since is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def timeout_keep_alive_handler(self) -> None:
        """Leave idle connections to `check_timeouts`."""

    def _linger(self) -> None:
        self._lingers, self._since = True, self.loop.time()
        self._forget()
        self.flow.resume_reading()

    def _forget(self, more: int = 0) -> None:
        """Drop what has arrived and is not answered."""
        self.admission.held_bytes -= self.unparsed_bytes + more
        self._unparsed.clear()
        self._body = BytesIO()
        self._drop_upload()

    def _drop_upload(self) -> None:
        if self._upload is not None:
            self._upload.drop()
            self._upload = None

    # State

    @property
    def _arrived_bytes(self) -> int:
        """Bytes of the body."""
        return self._upload.size if self._upload is not None else self._body.tell()

    @property
    def unparsed_bytes(self) -> int:
        """Bytes of a request that is not complete yet."""
        return len(self._unparsed) + self._body.tell()

    @property
    def group(self) -> str | None:
        """The group of a request that is not complete yet; None before its head is."""
        if not (self._begun and self._head_complete):
            return None
        if self._group is None:
            self._group = self.door.application.group_of(path_of(self.url), self.headers)
        return self._group

    @property
    def unsent_bytes(self) -> int:
        """Bytes of responses that the client has not taken yet."""
        return self.transport.unsent_bytes

    @property
    def idle_since(self) -> float | None:
        """When the last response was complete; None during a request."""
        return None if self._begun or self._unparsed or self._is_busy() else self._since

    def _is_busy(self) -> bool:
        """Return whether a response has to come before the next request."""
        return self.flow.write_paused or not (self.cycle is None or self.cycle.response_complete)

    def _missing_bytes(self) -> int:
        """Return how much of a body of known length has not arrived yet."""
        if not (self._begun and self._head_complete) or self._is_cut:
            return 0
        return max(0, self._body_length - self._arrived_bytes)
