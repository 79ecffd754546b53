"""One request in the application's hands, which may take its time: run in a thread."""

import contextlib
import io
import logging
import socket
import time
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from gunicorn.config import Config
from gunicorn.http.wsgi import Response

from service.server.connection import Connection
from service.server.incoming import Message
from service.server.refusal import SERVER, refusal
from service.telemetry.access_log import AccessLog
from service.telemetry.request_context import RequestContext

log = logging.getLogger(__name__)

_SENT_TOGETHER_BYTES = 64 * 1024


class Exchange:
    """A request and its answer.

    Parameters
    ----------
    due : when it has to be answered, as `time.monotonic` counts
    unsent : to be told that the connection has more than its client takes
    closing : whether connections are to be closed from now on

    Attributes
    ----------
    keeps_alive : whether the client may ask again, once it was answered
    abandoned : whether somebody else has answered, as it took too long
    handed_over : whether the connection is somebody else's now
    size : of the request's body, in bytes
    """

    def __init__(
        self,
        connection: Connection,
        message: Message,
        environ: WSGIEnvironment,
        *,
        due: float,
        unsent: Callable[[Connection], None],
        closing: Callable[[], bool],
    ) -> None:
        self.connection = connection
        self.due = due
        self.environ = environ
        self.keeps_alive = False
        self.abandoned = False
        self.handed_over = False
        self.size = len(message.body)
        self.begun = time.monotonic()
        self._message = message
        self._unsent = unsent
        self._closing = closing
        self._parts: list[bytes] = []
        self._size = 0
        self._flushed = False

    def run(self, application: WSGIApplication, config: Config, access_log: AccessLog) -> None:
        """Have it answered. Whatever goes wrong is an answer too, or closes the connection."""
        self.environ |= {
            "CONTENT_LENGTH": str(self._message.length),
            "wsgi.input": io.BytesIO(self._message.body),
            "numnet.hand_over": self._hand_over,
        }
        response = Response(self._message.head.request, self, config)
        response.version = SERVER

        def start_response(*arguments: Any) -> Any:
            # Behind a body that was left out the next request cannot be found.
            if self._closing() or self._message.cut:
                response.force_close()
            return response.start_response(*arguments)

        status = 500
        try:
            parts = application(self.environ, start_response)
            try:
                for part in parts:
                    response.write(part)
                response.close()
            finally:
                status = getattr(response, "status_code", status)
                if hasattr(parts, "close"):
                    parts.close()
            self._flush()
            self.keeps_alive = not response.should_close()
        except OSError:  # nobody is there any more
            self.connection.abandon()
        except Exception:
            log.exception("an answer failed", extra={"path": self.environ["PATH_INFO"]})
            status = 500
            if not self._flushed:
                self._parts = [refusal(self.environ, status, "an unexpected error")[0]]
                with contextlib.suppress(OSError):
                    self._flush()
        del self.environ["numnet.hand_over"]  # which refers to us, who refer to it
        if not self.abandoned:
            context = RequestContext.from_environ(self.environ)
            access_log.add(context, status, response.sent, time.monotonic() - self.begun)

    def sendall(self, data: bytes) -> None:
        """What gunicorn's response takes for a socket."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _SENT_TOGETHER_BYTES:
            self._flush()

    def _flush(self) -> None:
        data, self._parts, self._size = b"".join(self._parts), [], 0
        if self.handed_over or not data:
            return
        self._flushed = True
        if self.connection.write(data, self.due - time.monotonic()):
            self._unsent(self.connection)

    def _hand_over(self) -> socket.socket:
        """The connection's socket, which does not block, for somebody who goes on with it."""
        self.connection.hand_over()
        self.handed_over = True
        return self.connection.socket
