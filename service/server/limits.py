"""What one server process accepts, and how long it waits for a client."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one server process.

    Attributes
    ----------
    threads : size of the thread pool
    waiting : requests that may wait in the queue for a thread
    deadline_seconds : from the complete request to the start of its response
    body_bytes : longest request body
    upload_bytes : longest request body that is written to a file
    buffered_bodies : such bodies, and unsent responses of that size, that are held at a time
    long_body_bytes : bodies from this size on, decompressed, are worked on one at a time
    long_response_seconds : until the next long body has its turn, if the client reads slowly
    long_responses : to long bodies that are sent at a time; the next long body waits
    long_bytes_per_second : the rate at which they have to move
    head_bytes, line_bytes, field_bytes, fields : longest head, request line and header field,
        and most header fields
    max_connections : most open connections
    idle_seconds : how long a kept-alive connection may stay without a request
    head_seconds : how long a head may take to arrive
    body_seconds, min_bytes_per_second : in each such period, bodies and responses have to move at
        least at this rate
    linger_seconds : how long a closing connection waits for its client to read the last response
    stop_idle_seconds : how long a stopping process waits for requests on idle connections
    graceful_seconds : how long a stopping process waits for everything else
    check_seconds : between two checks of these times
    """

    threads: int = 4
    waiting: int = 64
    deadline_seconds: float = 30.0
    body_bytes: int = 16 * 1024 * 1024
    upload_bytes: int = 256 * 1024 * 1024
    buffered_bodies: int = 2
    long_body_bytes: int = 128 * 1024
    long_response_seconds: float = 5.0
    long_responses: int = 3
    long_bytes_per_second: float = 16.0 * 1024
    head_bytes: int = 64 * 1024
    line_bytes: int = 4094
    field_bytes: int = 8190
    fields: int = 100
    max_connections: int = 4096
    idle_seconds: float = 75.0
    head_seconds: float = 10.0
    body_seconds: float = 20.0
    min_bytes_per_second: float = 1024.0
    linger_seconds: float = 2.0
    stop_idle_seconds: float = 2.0
    graceful_seconds: float = 30.0
    check_seconds: float = 1.0

    @property
    def memory_bytes(self) -> int:
        """Request bodies and unsent responses that are held at a time."""
        return self.buffered_bodies * self.body_bytes
