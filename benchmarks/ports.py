"""Ports for servers under test."""

import random
import socket

PORTS = range(10_000, 32_768)  # below those that Linux gives to outgoing connections


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on.

    It is random, because other processes choose ports at the same time, and no outgoing connection
    can take it before the server does.
    """
    choose = random.SystemRandom().choice
    while True:
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port := choose(PORTS)))
            except OSError:
                continue
            return port
