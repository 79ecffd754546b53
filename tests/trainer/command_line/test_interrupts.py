"""SIGINT and SIGTERM during a training."""

import os
import signal

import pytest

from trainer.command_line.interrupts import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_first_signal_requests_a_stop_and_the_second_raises(number: signal.Signals) -> None:
    before = [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]
    with pytest.raises(KeyboardInterrupt), interruptible() as stop:  # noqa: PT012  # the order is what is tested
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        os.kill(os.getpid(), number)
        pytest.fail("the second signal did not raise")
    assert [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)] == before
