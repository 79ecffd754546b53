"""A connection's transport that counts what is written and lingers when it is closed."""

import asyncio
from collections.abc import Callable


class Transport:
    """What uvicorn and `Protocol` write to.

    Parameters
    ----------
    on_close : called when no more is written

    Attributes
    ----------
    written : bytes, including those that the client has not taken yet
    """

    def __init__(self, transport: asyncio.Transport, on_close: Callable[[], None]) -> None:
        self._transport = transport
        self._on_close = on_close
        self._closed = False
        self.written = 0

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        if not self.is_closing():
            self.written += len(data)
            self._transport.write(data)

    def close(self) -> None:
        """Send what is written and an end of file; reading goes on.

        Closing at once would make the kernel send a reset if the client is still sending, and a
        reset can cost the client the response.
        """
        if not self.is_closing():
            self._closed = True
            self._on_close()
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._closed or self._transport.is_closing()
