"""Clients that send a byte a second: half of them the head of a request, half its body."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

HEAD = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
BODY = b"Content-Length: 1000\r\n\r\n"
TICKS = 20  # parts of a second, so that not all send at the same moment


@contextmanager
def slow_clients(port: int, count: int) -> Iterator[None]:
    """As many connections as given, each open again as soon as the server has closed it."""
    over = threading.Event()
    thread = threading.Thread(target=_trickle, args=(port, count, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _trickle(port: int, count: int, over: threading.Event) -> None:
    clients: list[socket.socket | None] = [None] * count
    begun = time.monotonic()
    for turn in cycle(range(TICKS)):
        for number in range(turn, count, TICKS):
            clients[number] = _step(clients[number], number, port)
        begun += 1 / TICKS
        if over.wait(max(0.0, begun - time.monotonic())):
            break
    for client in clients:
        if client:
            client.close()


def _step(client: socket.socket | None, number: int, port: int) -> socket.socket | None:
    """Send a byte, or connect where there is no connection any more."""
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
