"""The client's address of a request: `X-Forwarded-For` counts only from trusted proxies."""

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from ipaddress import ip_address, ip_network


class Forwarding:
    """Finds the address of the client behind trusted proxies.

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
            address = hop.strip()
        return address if _is_address(address) else peer

    def _trusts(self, address: str) -> bool:
        if self._any:
            return True
        with suppress(ValueError):
            return any(ip_address(address) in network for network in self._networks)
        return False


def _is_address(text: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(text))
    return False
