"""Turning connections away, where the kernel takes the filter and where it does not."""

import logging
import socket
import sys

import pytest

from service.server import syn_filter
from service.server.syn_filter import drop_new_connections
from tests.patience import DEADLINE_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="filters are Linux's")
def test_a_kernel_that_takes_no_filter_does_not_spoil_the_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(syn_filter, "_SO_ATTACH_FILTER", 9999)
    with socket.create_server(("127.0.0.1", 0)) as listener, caplog.at_level(logging.INFO):
        drop_new_connections([listener])
        with socket.create_connection(listener.getsockname(), timeout=DEADLINE_SECONDS):
            pass
    assert caplog.messages == ["new connections cannot be dropped: Protocol not available"]
