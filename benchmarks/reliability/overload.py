"""Four times the load that the service can take, over 1,000 connections; and slow clients.

One worker on one core; the load comes from the other. The service answers plain rows as they come,
and hands other requests to threads, for which they may have to wait: both kinds are measured.
"""

import json
import os
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.cores import LOAD_CORE
from benchmarks.load import wrk
from benchmarks.load.fixed_rate import Flood
from benchmarks.load.slow_clients import slow_clients
from benchmarks.load.steady_rate import send_steadily
from benchmarks.report import Verdicts, machine
from benchmarks.servers.programs import NUMNET, ROW
from benchmarks.servers.running import Server, running, train

CONNECTIONS, SECONDS, TIMES_CAPACITY = 1000, 60, 4
OPEN_FILES = 8192
STEADY_RATE, STEADY_SECONDS = 100, 10  # one-row requests, before and after the load
IN_A_ROW = 10  # requests that are as fast as before: it has recovered
SLOW, BESIDE, SLOW_SECONDS = 1000, 8, 10

ACCEPTED_BAR, REFUSED_BAR, RECOVERY_BAR = 250.0, 50.0, 1000.0  # ms
GOODPUT_BAR = 0.5  # of the capacity: who refuses all is no use either
SLOW_BAR = 0.5  # of the requests/s without slow clients


def _steady(server: Server) -> NDArray[np.float64]:
    """Return when one-row requests at a low rate were due, and their latencies in ms."""
    body = server.program.body
    return send_steadily(server.port, STEADY_RATE, STEADY_SECONDS, path="/predict", body=body)


def recovered(after: NDArray[np.float64], ended: float, p99: float) -> float:
    """Ms from the end of the load until some requests in a row are as fast as before it."""
    for start in range(len(after) - IN_A_ROW + 1):
        if (after[start : start + IN_A_ROW, 1] <= p99).all():
            return 1000.0 * max(0.0, float(after[start, 0] - ended))
    return float("inf")


def measure_overload(server: Server, what: str, verdicts: Verdicts) -> None:
    wrk.burst(server, 32)
    capacity = max(wrk.burst(server, 32, 3).rate for _ in range(5))
    p99 = float(np.percentile(_steady(server)[:, 1], 99))
    rate = TIMES_CAPACITY * capacity
    outcome = Flood(server.port, CONNECTIONS, server.program.body).run(rate, SECONDS)
    after = _steady(server)
    took = {status: 1000.0 * np.array(seconds) for status, seconds in outcome.seconds.items()}
    accepted, refused = took.pop(200, np.empty(0)), took.pop(503, np.empty(0))
    others = ", ".join(f"{len(each):,} × {status}" for status, each in took.items())
    failures = ", ".join(f"{count:,} × {why}" for why, count in outcome.failures.items() if count)
    failed = outcome.failures.total()
    sent = (sum(map(len, (accepted, refused, *took.values()))) + failed) / SECONDS
    recovery = recovered(after, outcome.ended, p99)

    print(f"\n### Overload: {what}\n\n{CONNECTIONS:,} connections, {SECONDS} s\n")
    print("| | | bar | |\n|---|---|---|---|")
    print(f"| capacity: requests/s over 32 connections, the best burst | {capacity:,.0f} | | |")
    print(f"| requests/s asked for, {TIMES_CAPACITY} × capacity | {rate:,.0f} | | |")
    print(f"| requests/s sent, as a connection waits for its answer | {sent:,.0f} | | |")
    share = [len(accepted) / SECONDS / capacity]
    print(f"| 200s a second | {len(accepted) / SECONDS:,.0f} | | |")
    print(f"| of capacity | {share[0]:.2f} | {verdicts.at_least(share, GOODPUT_BAR)} |")
    print(f"| 200s: p50, ms | {_percentile(accepted, 50)} | | |")
    worst = _percentile(accepted, 99)
    print(f"| 200s: p99, ms | {worst} | {_p99_at_most(verdicts, accepted, ACCEPTED_BAR)} |")
    print(f"| 503s a second | {len(refused) / SECONDS:,.0f} | | |")
    print(f"| 503s: p50, ms | {_percentile(refused, 50)} | | |")
    worst = _percentile(refused, 99)
    print(f"| 503s: p99, ms | {worst} | {_p99_at_most(verdicts, refused, REFUSED_BAR)} |")
    print(f"| 503s: longest, ms | {_percentile(refused, 100)} | | |")
    print(f"| other answers | {others or 'none'} | {verdicts.at_most([len(took)], 0)} |")
    print(
        f"| resets and requests without an answer | {failures or 'none'} | "
        f"{verdicts.at_most([failed], 0)} |"
    )
    print(f"| longest connect, ms | {1000.0 * max(outcome.connecting):,.1f} | | |")
    print(
        f"| ms from its end until {IN_A_ROW} requests in a row are below the p99 from before "
        f"({p99:.1f} ms) | {recovery:,.0f} | {verdicts.at_most([recovery], RECOVERY_BAR, ',.0f')} |"
    )


def measure_slow_clients(server: Server, verdicts: Verdicts) -> None:
    alone = wrk.burst(server, BESIDE, SLOW_SECONDS)
    with slow_clients(server.port, SLOW):
        time.sleep(2)  # until all have connected
        beside = wrk.burst(server, BESIDE, SLOW_SECONDS, failures_are_fatal=False)
    print(f"\n### Slow clients\n\n{SLOW:,} connections that send a byte a second\n")
    print(f"| {BESIDE} connections in a closed loop | without | beside them | bar | |")
    print("|---|---|---|---|---|")
    share = verdicts.at_least([beside.rate / alone.rate], SLOW_BAR)
    print(f"| requests/s | {alone.rate:,.0f} | {beside.rate:,.0f} | {share} |")
    print(f"| p99, ms | {alone.p99:.2f} | {beside.p99:.2f} | | |")
    failed = "; ".join(beside.failed) or "none"
    print(f"| not answered | none | {failed} | {verdicts.at_most([len(beside.failed)], 0)} |")


def _percentile(values: NDArray[np.float64], percent: float) -> str:
    return f"{np.percentile(values, percent):,.1f}" if len(values) else "–"


def _p99_at_most(verdicts: Verdicts, values: NDArray[np.float64], bar: float) -> str:
    """Met where there is nothing to hold to the bar: nothing had to be refused."""
    found = float(np.percentile(values, 99)) if len(values) else 0.0
    return verdicts.at_most([found], bar, "g")


def main() -> None:
    wrk.require("wrk", "taskset")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, most), most))
    os.sched_setaffinity(0, {LOAD_CORE})
    verdicts = Verdicts()
    print(machine("gunicorn", "flask", "numpy"))
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder))
        with running(NUMNET, Path(folder)) as server:
            rows = json.dumps({"instances": [ROW]}).encode()
            in_thread = replace(server, program=replace(NUMNET, body=rows))
            measure_overload(server, "plain rows", verdicts)
            measure_overload(in_thread, "requests that need a thread", verdicts)
            measure_slow_clients(server, verdicts)
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
