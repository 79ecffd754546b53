"""A stop that leaves nobody unanswered who has connected.

gunicorn keeps the listener open, and accepts nobody, for the two seconds that it waits for
kept-alive connections. Whoever connects meanwhile, be it a client whose connection was just closed
after an answer, is reset in the end. Here the kernel takes no further connections from the first
moment of a stop on, workers answer those it has taken, and with the listener closed whoever comes
is refused.
"""

import ctypes
import logging
import socket
import struct
import sys
from collections.abc import Iterable

from gunicorn.workers.gthread import ThreadWorker

log = logging.getLogger(__name__)

_SO_ATTACH_FILTER = 26  # Linux's, which the `socket` module does not name
_RETURN, _CONSTANT = 0x06, 0x00


class ThreadedWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker, which accepts all who have connected before it stops to."""

    def set_accept_enabled(self, enabled: bool) -> None:
        stopping = not self.alive and not enabled
        if stopping:
            for listener in self.sockets:
                self._accept_all(listener)
        super().set_accept_enabled(enabled)
        if stopping:
            for listener in self.sockets:
                listener.close()

    def _accept_all(self, listener: object) -> None:
        before = -1
        while self.nr_conns != before:
            before = self.nr_conns
            self.accept(listener)


def turn_away(listeners: Iterable[socket.socket]) -> None:
    """Have the kernel drop who wants to connect to listeners that are about to be closed.

    The filter is the socket's: not to be used where another process goes on with it. A client's
    system tries again after a second, and finds the listener closed, or another one.
    Where the system has no filters, or does not let this process set one, a connection made in the
    instant of the closing is reset.

    Source: socket(7), SO_ATTACH_FILTER, with a classic BPF program of one instruction: drop.
    """
    if sys.platform != "linux":
        return
    drop = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN | _CONSTANT, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(drop))
    for listener in listeners:
        try:
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        except OSError as error:  # some systems ask for a capability
            log.info("connections cannot be turned away: %s", error.strerror)
