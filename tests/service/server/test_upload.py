"""A long body is written to a file without blocking the event loop."""

import asyncio
import errno
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.server.connection.upload import PART_BYTES, Upload, WrittenBody

DISK_SECONDS = 2.0
BODY = bytes(range(256)) * (PART_BYTES // 256) + b"rest"


def upload(folder: Path, writer: ThreadPoolExecutor) -> WrittenBody:
    """Upload the body in an event loop."""

    async def arrive() -> WrittenBody:
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # the body closes it
        arriving = Upload(file, writer, lambda: None)
        for start in range(0, len(BODY), 100_000):
            arriving.add(BODY[start : start + 100_000])
        assert arriving.size == len(BODY)
        return arriving.finish()

    return asyncio.run(arrive())


def test_event_loop_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    is_free = threading.Event()
    with ThreadPoolExecutor(1) as writer:
        writer.submit(is_free.wait)
        timer = threading.Timer(DISK_SECONDS, is_free.set)
        timer.start()
        started = time.monotonic()
        body = upload(tmp_path, writer)
        assert time.monotonic() - started < DISK_SECONDS
        parts = [*iter(lambda: body.read(300_000), b"")]
        assert b"".join(parts) == BODY
        body.close()
        timer.join()


def test_part_that_cannot_be_written_is_an_error_of_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(descriptor: int, part: memoryview) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "write", write)
    with ThreadPoolExecutor(1) as writer:
        body = upload(tmp_path, writer)
        with pytest.raises(OSError, match="no space left"):
            body.read(10)
        body.close()
