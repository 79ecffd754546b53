"""Many watchers of a job's events in one process; on stdout how many events all have received."""

import selectors
import socket
import sys

MARK = b"\nevent: job\n"
AT_ONCE = 32  # who wait for their first event: fewer than the service lets wait


def main(port: int, job: str, count: int) -> None:
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    events, opened, ending = 0, 0, False
    seen: set[object] = set()
    ends: dict[object, bytes] = {}
    while not ending:
        while opened < min(count, len(seen) + AT_ONCE):
            opened += 1
            connection = socket.create_connection(("127.0.0.1", port), 10)
            connection.sendall(f"GET {job}/events HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            selector.register(connection, selectors.EVENT_READ)
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                ending = True
                continue
            assert isinstance(key.fileobj, socket.socket)
            received = key.fileobj.recv(1 << 20)
            if not received:
                sys.exit(f"a watcher was closed after {ends.get(key.fileobj, b'')!r}")
            # with the end of what came before: an event may come in two parts
            parts = ends.get(key.fileobj, b"") + received
            ends[key.fileobj] = parts[-len(MARK) + 1 :]
            events += parts.count(MARK)
            if MARK in parts and key.fileobj not in seen:
                seen.add(key.fileobj)
                if len(seen) == count:
                    print(flush=True)
    print(events)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
