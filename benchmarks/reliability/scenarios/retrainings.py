"""Retrainings, from POST to promotion, while clients send requests."""

import time
from functools import partial
from pathlib import Path

from benchmarks.installation import Installation
from benchmarks.load.closed_loop import clients
from benchmarks.reliability.scenarios.contrast import (
    CONNECTIONS,
    RATE,
    Contrast,
    contrast,
    timed,
)
from benchmarks.reliability.scenarios.versions import LONG_TRAINING, publish_first


def run(folder: Path, turns: int, seconds: float) -> Contrast:
    """Compare spans with a retraining to spans without.

    Parameters
    ----------
    seconds : of each training, and of each span without
    """
    # The gate's margin lets every candidate through: what counts is the promotion under load.
    with Installation(folder, NUMNET_GATE_MARGIN="1000000") as installation:
        publish_first(installation.registry)
        service = installation.start_service()
        installation.start_trainer()
        service.finished(service.retrain(layers=[4], samples=100, max_seconds=1))  # warm up
        spans = []
        with clients(service.port, CONNECTIONS, RATE) as load:
            for turn in range(turns):
                idle = timed(partial(time.sleep, seconds))
                began = time.time()
                job = service.retrain(**LONG_TRAINING, max_seconds=seconds, seed=turn)
                document = service.finished(job)
                if (document["state"], document["result"]["stopped"]) != ("promoted", "time limit"):
                    raise RuntimeError(str(document))
                spans.append((idle, (began, time.time())))
            account = load.end()
        return contrast(
            account,
            spans,
            versions=len(account.versions()),
            mismatched=account.mismatches(installation.registry),
        )
