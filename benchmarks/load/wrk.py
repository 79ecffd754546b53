"""Bursts of requests from wrk, on the core that no server has."""

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from benchmarks.servers.contestants import LOAD_CORE, Server

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Burst:
    """What a burst met.

    Attributes
    ----------
    rate : requests answered a second
    p99 : ms; infinite where nothing was answered
    core : µs of processor time that the server took for each
    failed : lines of wrk's on requests that were not answered by 2xx; none as a rule
    """

    rate: float
    p99: float
    core: float
    failed: tuple[str, ...]


def require(*tools: str) -> None:
    """End the program where a tool or the second core is missing."""
    packages = {"wrk": "wrk", "taskset": "util-linux"}
    for tool in tools:
        if not shutil.which(tool):
            sys.exit(f"{tool} was not found (Debian and Ubuntu: apt install {packages[tool]})")
    if (os.cpu_count() or 1) < 2:
        sys.exit("two cores are needed: one to serve, one to send")


def burst(
    server: Server, connections: int, seconds: int = 1, *, failures_are_fatal: bool = True
) -> Burst:
    """One row, again and again, over kept-alive connections that each wait for their answer."""
    contestant = server.contestant
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f'wrk.method = "POST"\nwrk.body = [[{contestant.body.decode()} ]]\n'
            'wrk.headers["Content-Type"] = "application/json"\n'
        )
        script.flush()
        command = [
            *("taskset", "--cpu-list", str(LOAD_CORE), "wrk", "--threads", "1", "--latency"),
            *("--duration", f"{seconds}s", "--connections", str(connections)),
            *("--script", script.name, f"http://127.0.0.1:{server.port}{contestant.path}"),
        ]
        before = server.processor_seconds()
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        taken = server.processor_seconds() - before
    failed = tuple(re.findall(r"(Non-2xx.*|Socket errors.*)", output))
    if failed and failures_are_fatal:
        sys.exit(f"{contestant.name} did not answer every request:\n{output}")
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    assert requests, output
    assert rate, output
    assert p99, output
    return Burst(
        rate=float(rate[1]),
        p99=float(p99[1]) * _UNITS[p99[2]] or math.inf,
        core=1e6 * taken / max(1, int(requests[1])),
        failed=failed,
    )
