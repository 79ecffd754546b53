"""The lock that makes one trainer at a time run the jobs of a database.

The operating system or the database releases it when its holder dies, however it dies: a trainer
that waits for it takes over at once.
"""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from trainer.jobs.database import with_timeouts

# Never to be changed: trainers of two versions would both hold "the" lock.
_NUMBER = int.from_bytes(hashlib.sha256(b"numnet worker").digest()[:8], signed=True)


class TrainerLock(Protocol):
    """A lock with one holder at a time in the whole installation."""

    def acquire(self) -> bool:
        """Take the lock if it is free. Return whether it is held now."""

    def lost(self) -> bool:
        """Return whether another process may hold the lock by now."""

    def release(self) -> None:
        """Release the lock, if it is held."""


def trainer_lock(url: str) -> TrainerLock:
    """Return the lock of a job database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        assert parsed.database  # noqa: S101  # checked by `Settings`
        return FileLock(Path(f"{parsed.database}.lock"))
    return AdvisoryLock(url)


class FileLock:
    """flock(2) on a file; the kernel releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        if self._descriptor is not None and self.lost():
            self.release()
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def lost(self) -> bool:
        """Return whether the file was deleted or replaced: others lock the new one."""
        if self._descriptor is None:
            return True
        try:
            return not os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except OSError:
            return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class AdvisoryLock:
    """A session-level advisory lock; PostgreSQL releases it when the connection ends."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            make_url(with_timeouts(url)).set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            connect_args={"application_name": "numnet_trainer_lock"},
        )
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        if self._connection is None or self._connection.invalidated:
            self._connection = self._engine.connect()
        query = text("SELECT pg_try_advisory_lock(:number)")
        return bool(self._connection.execute(query, {"number": _NUMBER}).scalar())

    def lost(self) -> bool:
        if self._connection is None:
            return True
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return True
        return False

    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()
