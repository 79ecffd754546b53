"""What proxies forward: `X-Forwarded-For` and `X-Forwarded-Prefix` count only from trusted ones."""

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address, ip_network

_PREFIX = re.compile(rb"((?:/[A-Za-z0-9._~-]+)+)/?")
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+):\d+")


class Forwarding:
    """Finds the address of the client, and the prefix of its path, behind trusted proxies.

    Parameters
    ----------
    proxies : addresses, networks, or `*` for any
    """

    def __init__(self, proxies: Iterable[str]) -> None:
        proxies = tuple(proxies)
        self._any = "*" in proxies
        self._networks = [ip_network(each) for each in proxies if each != "*"]
        self.trusts = lru_cache(1024)(self._trusts) if proxies else lambda address: False

    def client(self, peer: str, forwarded: bytes | None) -> str:
        """Return the last address of the chain that is not a trusted proxy's."""
        address = peer
        for hop in reversed((forwarded or b"").decode("latin-1").split(",")):
            if not hop.strip() or not self.trusts(address):
                break
            address = _without_port(hop.strip())
        return address if _is_address(address) else peer

    def prefix(self, peer: str, forwarded: bytes) -> str:
        """Return the prefix that a trusted proxy has stripped from the path; empty if none has."""
        found = _PREFIX.fullmatch(forwarded)
        return found[1].decode() if found and self.trusts(peer) else ""

    def _trusts(self, address: str) -> bool:
        if self._any:
            return True
        with suppress(ValueError):
            return any(ip_address(address) in network for network in self._networks)
        return False


def _without_port(hop: str) -> str:
    """Return an address without brackets and port, which some proxies add."""
    found = _WITH_PORT.fullmatch(hop)
    return (found[1] or found[2]) if found else hop


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(text))
    return False
