"""Follows changes of the file of tokens."""

import hashlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from config import SettingsError
from service.web.errors import TokensUnavailable
from service.web.tokens.grant import Grant
from service.web.tokens.token_lines import Grants, parse_grants, read_content

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
_MAX_CLOCK_TICK_NS = 2_000_000_000  # of a file system's clock


class TokenFile:
    """The tokens in a file. One per process; safe to share between threads.

    A change is followed within `CHECK_SECONDS`. If the file then has a mistake or is missing, the
    log says so once, and the tokens that were read last remain in force.

    Parameters
    ----------
    clock : seconds from any start
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._check_at = -math.inf
        self._state: tuple[int, ...] | None = ()
        self._found: bytes | str = ""  # the content, or why it cannot be read
        self._grants: Grants | None = None
        self._refresh()

    def find(self, token: str) -> Grant | None:
        """Return what a token allows; None if it is not in the file. For threads."""
        self._refresh()
        return self.find_in_memory(token)

    def check_usable(self) -> None:
        """Check that this process has found a file without mistakes, now or earlier.

        Raises
        ------
        TokensUnavailable
        """
        if self._grants is None:
            raise TokensUnavailable("the file of tokens cannot be used; the log has the reason")

    def is_due(self) -> bool:
        """Return whether it is time to look for a change, which is I/O, not for the event loop."""
        return self._clock() >= self._check_at

    def find_in_memory(self, token: str) -> Grant | None:
        """Return what a token allows, without I/O; None if it was not in the file."""
        return None if self._grants is None else self._grants.get(_digest(token))

    def _refresh(self) -> None:
        """Read the file again if it is time and it has changed. One thread at a time does so."""
        if not self.is_due() or not self._lock.acquire(blocking=False):
            return
        try:
            if (state := self._newest_state()) != self._state:
                self._read()
                self._state = state
            self._check_at = self._clock() + CHECK_SECONDS
        finally:
            self._lock.release()

    def _newest_state(self) -> tuple[int, ...] | None:
        """Return a value that changes with the file; None if there is none.

        Changes within one tick of the file system's clock leave the same times. Until the tick is
        over, the value is another one each time.
        """
        try:
            status = os.stat(self._path)  # noqa: PTH116  # as in registry.storage
        except (OSError, ValueError):
            return None
        now = time.time_ns()
        is_settled = now - status.st_ctime_ns > _MAX_CLOCK_TICK_NS
        state = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
        return state if is_settled else (*state, now)

    def _read(self) -> None:
        try:
            found: bytes | str = read_content(self._path)
        except SettingsError as error:
            found = str(error)
        if found == self._found:
            return
        self._found = found
        try:
            if isinstance(found, str):
                raise SettingsError(found)
            self._grants = parse_grants(found, self._path)
        except SettingsError as error:
            kept = "" if self._grants is None else "; the tokens read before remain in force"
            log.error("%s%s", error, kept)
        else:
            log.info("%d tokens were read from %s", len(self._grants), self._path)


def _digest(token: str) -> bytes:
    """Return the SHA-256 of a token, whose characters are the bytes that were sent."""
    return hashlib.sha256(token.encode("latin-1", "replace")).digest()
