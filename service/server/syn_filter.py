"""A shutdown that resets no connection which the kernel has accepted.

When a listener is closed, the kernel resets the connections in its accept queue. So a shutdown
begins by having the kernel drop new connections; the server processes then accept and answer those
in the queue, and close the listener when it is empty.
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
    """Have the kernel drop SYN packets for listeners that are about to be closed.

    The filter belongs to the socket, so no other process may go on using the listener. A client
    sends its SYN again after a second, and finds the listener closed, or another one. Without
    filters (other systems, missing rights) a connection made just before the close is reset.

    Source: socket(7), SO_ATTACH_FILTER, with a classic BPF program of one instruction: drop.
    """
    if sys.platform != "linux":
        return
    drop = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN | _CONSTANT, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(drop))
    for listener in listeners:
        try:
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        except OSError as error:  # some systems require a capability
            log.info("new connections cannot be dropped: %s", error.strerror)
