"""A stop that leaves nobody unanswered who has connected.

A connection that the kernel has taken for a listener is reset where the listener is closed. So from
the first moment of a stop on the kernel takes no further ones, workers answer those it has taken,
and with the listener closed whoever comes is refused.
"""

import ctypes
import logging
import socket
import struct
import sys
from collections.abc import Iterable

log = logging.getLogger(__name__)

_SO_ATTACH_FILTER = 26  # Linux's, which the `socket` module does not name
_RETURN, _CONSTANT = 0x06, 0x00


def drop_new_connections(listeners: Iterable[socket.socket]) -> None:
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
