"""One row as JSON over 1, 8 and 32 connections: requests/s, p99 and processor time.

All servers run at the same time, each with one process, all on one core. wrk sends from another
core, to one server after the other in short bursts and in alternating order, so that other work on
the machine slows down all of them. Ratios are computed within a turn.
"""

from collections.abc import Mapping, Sequence

from benchmarks.load import wrk
from benchmarks.report import Verdicts, spread
from benchmarks.servers.programs import ServerProgram
from benchmarks.servers.running import Server

CONNECTIONS = (1, 8, 32)
Bars = Mapping[ServerProgram, float]


def measure(
    servers: Sequence[Server],
    subject: ServerProgram,
    verdicts: Verdicts,
    *,
    bursts: int,
    rate_bars: Bars,
    p99_bars: Bars,
) -> None:
    """Print the table.

    Parameters
    ----------
    subject : the program that is compared with each of the others
    bursts : of one second, for each server and number of connections
    rate_bars : the subject's requests/s ÷ the other's must be at least this
    p99_bars : the subject's p99 ÷ the other's must be at most this
    """
    name = subject.name
    print("\n### One row\n")
    print(
        f"median [quartiles] of {bursts} bursts of 1 s; p99 in ms; CPU: µs of the server's "
        "processor time per request\n"
    )
    print(f"| connections | | requests/s | {name} ÷ it | bar | | p99 | {name} ÷ it | bar | | CPU |")
    print("|" + "---|" * 11)
    for connections in CONNECTIONS:
        for server in servers:
            wrk.burst(server, connections)  # warm up
        orders = [servers, servers[::-1]]
        turns = [
            {each.program: wrk.burst(each, connections) for each in orders[turn % 2]}
            for turn in range(bursts)
        ]
        for server in servers:
            it = server.program
            rates = [turn[subject].rate / turn[it].rate for turn in turns]
            p99s = [turn[subject].p99 / turn[it].p99 for turn in turns]
            print(
                f"| {connections} | {it.name} | {spread([t[it].rate for t in turns], ',.0f')} | "
                f"{'' if it is subject else spread(rates)} | "
                f"{verdicts.at_least(rates, rate_bars.get(it))} | "
                f"{spread([t[it].p99 for t in turns])} | "
                f"{'' if it is subject else spread(p99s)} | "
                f"{verdicts.at_most(p99s, p99_bars.get(it))} | "
                f"{spread([t[it].cpu for t in turns], ',.0f')} |",
                flush=True,
            )
