"""Four times the load that the service can answer, over 1,000 connections; and slow clients.

One server process on one core; the load comes from the other. The service answers plain rows in its
event loop and hands other requests to a pool of threads, which has a bounded queue. Both kinds are
measured.
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
from benchmarks.load.fixed_rate import OpenLoop, Outcome
from benchmarks.load.slow_clients import slow_clients
from benchmarks.load.steady_rate import send_steadily
from benchmarks.report import Verdicts, machine
from benchmarks.servers.programs import NUMNET, ROW
from benchmarks.servers.running import Server, running, train

CONNECTIONS, SECONDS, TIMES_CAPACITY = 1000, 60, 4
OPEN_FILES = 8192
STEADY_RATE, STEADY_SECONDS = 100, 10  # one-row requests before and after the load
RECOVERED_REQUESTS = 10  # in a row and as fast as before: the service has recovered
SLOW_CLIENTS, FAST_CONNECTIONS, FAST_SECONDS = 1000, 8, 10

ACCEPTED_BAR, REFUSED_BAR, RECOVERY_BAR = 250.0, 50.0, 1000.0  # ms
GOODPUT_BAR = 0.5  # of the capacity, so that refusing everything does not pass
SLOW_BAR = 0.5  # of the requests/s without slow clients


def measure_overload(server: Server, what: str, verdicts: Verdicts) -> None:
    """Measure the capacity, send a multiple of it, and print the responses and the recovery."""
    wrk.burst(server, 32)
    capacity = max(wrk.burst(server, 32, 3).rate for _ in range(5))
    p99 = float(np.percentile(_steady(server)[:, 1], 99))
    rate = TIMES_CAPACITY * capacity
    outcome = OpenLoop(server.port, CONNECTIONS, server.program.body).run(rate, SECONDS)
    recovery = recovery_milliseconds(_steady(server), outcome.ended, p99)

    print(f"\n### Overload: {what}\n\n{CONNECTIONS:,} connections, {SECONDS} s\n")
    print("| | | bar | |\n|---|---|---|---|")
    print(f"| capacity: requests/s over 32 connections, the best burst | {capacity:,.0f} | | |")
    print(f"| requests/s offered, {TIMES_CAPACITY} × capacity | {rate:,.0f} | | |")
    _print_responses(outcome, capacity, verdicts)
    print(f"| longest connect, ms | {1000.0 * max(outcome.connecting):,.1f} | | |")
    print(
        f"| ms from its end until {RECOVERED_REQUESTS} requests in a row are below the p99 from "
        f"before ({p99:.1f} ms) | {recovery:,.0f} | "
        f"{verdicts.at_most([recovery], RECOVERY_BAR, ',.0f')} |"
    )


def recovery_milliseconds(after: NDArray[np.float64], ended: float, p99: float) -> float:
    """Return the time from the end of the load until some requests in a row are below the p99."""
    for start in range(len(after) - RECOVERED_REQUESTS + 1):
        if (after[start : start + RECOVERED_REQUESTS, 1] <= p99).all():
            return 1000.0 * max(0.0, float(after[start, 0] - ended))
    return float("inf")


def measure_slow_clients(server: Server, verdicts: Verdicts) -> None:
    """Print requests/s and p99 of fast clients with and without slow ones."""
    without = wrk.burst(server, FAST_CONNECTIONS, FAST_SECONDS)
    with slow_clients(server.port, SLOW_CLIENTS):
        time.sleep(2)  # until all have connected
        beside = wrk.burst(server, FAST_CONNECTIONS, FAST_SECONDS, failures_are_fatal=False)
    print(f"\n### Slow clients\n\n{SLOW_CLIENTS:,} connections that send a byte a second\n")
    print(f"| {FAST_CONNECTIONS} connections in a closed loop | without | with them | bar | |")
    print("|---|---|---|---|---|")
    share = verdicts.at_least([beside.rate / without.rate], SLOW_BAR)
    print(f"| requests/s | {without.rate:,.0f} | {beside.rate:,.0f} | {share} |")
    print(f"| p99, ms | {without.p99:.2f} | {beside.p99:.2f} | | |")
    failed = "; ".join(beside.failed) or "none"
    print(f"| failed requests | none | {failed} | {verdicts.at_most([len(beside.failed)], 0)} |")


def _steady(server: Server) -> NDArray[np.float64]:
    """Return when one-row requests at a low rate were due, and their latencies in ms."""
    body = server.program.body
    return send_steadily(server.port, STEADY_RATE, STEADY_SECONDS, path="/predict", body=body)


def _print_responses(outcome: Outcome, capacity: float, verdicts: Verdicts) -> None:
    took = {status: 1000.0 * np.array(seconds) for status, seconds in outcome.seconds.items()}
    failed = outcome.failures.total()
    sent = (sum(map(len, took.values())) + failed) / SECONDS
    accepted, refused = took.pop(200, np.empty(0)), took.pop(503, np.empty(0))
    others = ", ".join(f"{len(each):,} × {status}" for status, each in took.items())
    reasons = ", ".join(f"{count:,} × {why}" for why, count in outcome.failures.items() if count)
    share = [len(accepted) / SECONDS / capacity]
    print(f"| requests/s sent, as a connection waits for its response | {sent:,.0f} | | |")
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
    print(f"| other statuses | {others or 'none'} | {verdicts.at_most([len(took)], 0)} |")
    print(
        f"| resets and requests without a response | {reasons or 'none'} | "
        f"{verdicts.at_most([failed], 0)} |"
    )


def _percentile(values: NDArray[np.float64], percent: float) -> str:
    return f"{np.percentile(values, percent):,.1f}" if len(values) else "–"


def _p99_at_most(verdicts: Verdicts, values: NDArray[np.float64], bar: float) -> str:
    """Return the cells of a bar, which is met when there are no values."""
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
