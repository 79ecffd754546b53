"""Clients that send one byte a second: half of them of a request's head, half of its body."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b"Content-Length: 1000\r\n\r\n"
TICKS = 20  # per second; a tick sends for one client in twenty, so that they do not send together


@contextmanager
def slow_clients(port: int, count: int) -> Iterator[None]:
    """Keep that many slow clients connected until the block ends; a closed one reconnects."""
    ended = threading.Event()
    thread = threading.Thread(target=_send_slowly, args=(port, count, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _send_slowly(port: int, count: int, ended: threading.Event) -> None:
    clients: list[socket.socket | None] = [None] * count
    due = time.monotonic()
    for tick in cycle(range(TICKS)):
        for number in range(tick, count, TICKS):
            clients[number] = _step(clients[number], number, port)
        due += 1 / TICKS
        if ended.wait(max(0.0, due - time.monotonic())):
            break
    for client in clients:
        if client:
            client.close()


def _step(client: socket.socket | None, number: int, port: int) -> socket.socket | None:
    """Send one byte, or connect when there is no connection."""
    with suppress(OSError):
        if client is None:
            client = socket.create_connection(("127.0.0.1", port), timeout=1)
            client.setblocking(False)
            client.sendall(HEAD if number % 2 else HEAD + BODY)
        elif number % 2:
            client.sendall(b"X")
        else:
            client.sendall(b" ")
        return client
    if client:
        client.close()
    return None
