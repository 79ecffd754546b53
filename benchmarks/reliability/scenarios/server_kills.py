"""SIGKILL of server processes, then a graceful stop, while clients send requests."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installation import Installation, Service
from benchmarks.load.closed_loop import Account, clients
from benchmarks.reliability.scenarios.versions import publish_first
from benchmarks.waiting import wait_until


@dataclass(frozen=True)
class Kills:
    """The outcome.

    Attributes
    ----------
    in_flight : requests that failed on connections of a killed process
    other : all other failed requests and refused connections before the stop
    answered_at_stop, failed_at_stop : requests that ended after the stop began
    """

    kills: int
    requests: int
    in_flight: int
    other: int
    answered_at_stop: int
    failed_at_stop: int
    exit_code: int


def run(folder: Path, kills: int, connections: int = 16) -> Kills:
    """Kill one server process after the other, each when two are running, then stop all."""
    with Installation(folder) as installation:
        publish_first(installation.registry)
        service = installation.start_service()
        with clients(service.port, connections) as load:
            lost = [_kill_one(service) for _ in range(kills)]
            wait_until(lambda: len(service.server_processes()) == 2)
            time.sleep(1.0)
            stopped_at = time.time()
            exit_code = service.stop()
            account = load.end()
        return _outcome(account, lost, stopped_at, exit_code)


def _kill_one(service: Service) -> set[int]:
    """Kill a server process and return the ports of the clients that were connected to it."""
    wait_until(lambda: len(service.server_processes()) == 2)
    time.sleep(0.5)
    victim = service.server_processes()[0]
    os.kill(victim, signal.SIGSTOP)  # so that it accepts no connection after the next line
    ports = _peer_ports(victim)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in service.server_processes())
    return ports


def _peer_ports(pid: int) -> set[int]:
    """Return the remote ports of a process's TCP connections."""
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links}
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {int(each[2].rpartition(":")[2], 16) for each in fields if each[9] in inodes} - {0}


def _outcome(account: Account, lost: list[set[int]], stopped_at: float, exit_code: int) -> Kills:
    before = [port for port, _, failed, _ in account.failures if failed < stopped_at]
    in_flight = sum(any(port in ports for ports in lost) for port in before)
    refused = sum(at < stopped_at for at in account.refused)
    return Kills(
        kills=len(lost),
        requests=len(account.answers),
        in_flight=in_flight,
        other=len(before) - in_flight + refused,
        answered_at_stop=sum(sent + took > stopped_at for sent, took, *_ in account.answers),
        failed_at_stop=len(account.failures) - len(before),
        exit_code=exit_code,
    )
