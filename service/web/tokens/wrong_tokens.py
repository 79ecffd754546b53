"""A limit on guessing tokens: after a few wrong ones, a client has to wait longer and longer."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

FREE_ATTEMPTS = 5
MAX_WAIT_SECONDS = 60.0
FORGET_SECONDS = 3600.0  # after the last wrong token
MAX_CLIENTS = 10_000
IPV6_PREFIX = 64  # bits; one subscriber has all addresses with the same ones (RFC 6177)


class WrongTokens:
    """The wrong tokens that each client has sent to this process. Any thread may use it.

    Memory is bounded: it keeps `MAX_CLIENTS` clients, and drops the one that has been quiet for
    longest.

    Parameters
    ----------
    clock : seconds from any start
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, time of last
        self._lock = threading.Lock()

    def wait_seconds(self, client: str) -> float:
        """Return how long a client has to wait before its next token is looked at."""
        count, last = self._clients.get(_subscriber(client), (0, 0.0))
        if count < FREE_ATTEMPTS:
            return 0.0
        wait = min(2.0 ** min(count - FREE_ATTEMPTS, 30), MAX_WAIT_SECONDS)
        return max(0.0, last + wait - self._clock())

    def add(self, client: str) -> None:
        """Note that a client has sent a wrong token."""
        now, key = self._clock(), _subscriber(client)
        with self._lock:
            count, last = self._clients.pop(key, (0, now))
            self._clients[key] = (1 if now - last > FORGET_SECONDS else count + 1), now
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)


@lru_cache(1024)
def _subscriber(client: str) -> str:
    """Return an IPv4 address, or the network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return client
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
