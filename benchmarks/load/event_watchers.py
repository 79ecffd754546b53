"""Many clients in one process that watch a job's server-sent events.

    python -m benchmarks.load.event_watchers PORT JOB COUNT

It prints an empty line when every client has its first event, and the number of all events when
stdin ends.
"""

import selectors
import socket
import sys

EVENT = b"\nevent: job\n"
OPENED_AT_ONCE = 32  # clients without a first event; the service refuses more waiting requests


def main(port: int, job: str, count: int) -> None:
    """Watch until stdin ends; exit when the service closes a connection."""
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    events, opened, ending = 0, 0, False
    started: set[object] = set()
    ends: dict[object, bytes] = {}
    while not ending:
        while opened < min(count, len(started) + OPENED_AT_ONCE):
            opened += 1
            connection = socket.create_connection(("127.0.0.1", port), 10)
            connection.sendall(f"GET {job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            selector.register(connection, selectors.EVENT_READ)
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                ending = True
                continue
            assert isinstance(key.fileobj, socket.socket)
            received = key.fileobj.recv(1 << 20)
            if not received:
                sys.exit(f"a watcher's connection was closed after {ends.get(key.fileobj, b'')!r}")
            # An event may be split between two reads: keep the end of the previous one.
            data = ends.get(key.fileobj, b"") + received
            ends[key.fileobj] = data[-len(EVENT) + 1 :]
            events += data.count(EVENT)
            if EVENT in data and key.fileobj not in started:
                started.add(key.fileobj)
                if len(started) == count:
                    print(flush=True)
    print(events)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
