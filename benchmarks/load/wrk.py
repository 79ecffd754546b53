"""Bursts of one request, sent again and again by wrk from `LOAD_CORE`."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cores import LOAD_CORE
from benchmarks.servers.running import Server

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Burst:
    """The result of a burst.

    Attributes
    ----------
    rate : responses per second
    p99 : of the latency, in ms; infinite when there was no response
    cpu : processor time of the server per response, in µs
    failed : wrk's lines about socket errors and responses other than 2xx and 3xx
    """

    rate: float
    p99: float
    cpu: float
    failed: tuple[str, ...]


def require(*tools: str) -> None:
    """Exit when a tool or a second core is missing."""
    packages = {"wrk": "wrk", "taskset": "util-linux"}
    for tool in tools:
        if not shutil.which(tool):
            sys.exit(f"{tool} was not found (Debian and Ubuntu: apt install {packages[tool]})")
    if (os.cpu_count() or 1) < 2:
        sys.exit("two cores are needed: one for the server, one for the load")


def burst(
    server: Server,
    connections: int,
    seconds: float = 1,
    *,
    paths: Sequence[str] = (),
    failures_are_fatal: bool = True,
) -> Burst:
    """Send the program's request in a closed loop over kept-alive connections.

    Parameters
    ----------
    paths : of the requests, one after the other; by default the program's
    """
    before = server.processor_seconds()
    output = _run_wrk(server, connections, seconds, paths)
    used = server.processor_seconds() - before
    failed = tuple(re.findall(r"(Non-2xx.*|Socket errors.*)", output))
    if failed and failures_are_fatal:
        sys.exit(f"{server.program.name} did not answer every request:\n{output}")
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    assert requests, output
    assert rate, output
    assert p99, output
    return Burst(
        rate=float(rate[1]),
        p99=float(p99[1]) * _UNITS[p99[2]] or math.inf,
        cpu=1e6 * used / max(1, int(requests[1])),
        failed=failed,
    )


def _run_wrk(server: Server, connections: int, seconds: float, paths: Sequence[str]) -> str:
    program = server.program
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.method = "{program.method}"\n')
        if program.body:
            script.write(
                f"wrk.body = [[{program.body.decode()} ]]\n"
                'wrk.headers["Content-Type"] = "application/json"\n'
            )
        if paths:
            script.write(
                f"local paths, last = {{{', '.join(map(json.dumps, paths))}}}, 0\n"
                "request = function()\n"
                "  last = last % #paths + 1\n"
                "  return wrk.format(nil, paths[last])\n"
                "end\n"
            )
        script.flush()
        command = [
            *("taskset", "--cpu-list", str(LOAD_CORE), "wrk", "--threads", "1", "--latency"),
            *("--duration", f"{seconds:g}s", "--connections", str(connections)),
            *("--script", script.name, f"http://127.0.0.1:{server.port}{program.path}"),
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
