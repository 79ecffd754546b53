"""A folder of models, a database of jobs, and workers on them: the real thing, in little."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from config import Settings
from registry import Registry
from tests.patience import seconds, until
from trainer.jobs import Job, Jobs, Request

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = seconds(60.0)
WORKER = ("-m", "trainer.worker")
TINY = {"samples": 200, "layers": [4], "solver": "l-bfgs", "epochs": 5, "max_seconds": 3.0}
BETTER = TINY | {"epochs": 60}
LONG = TINY | {"solver": "adam", "epochs": 10**7, "patience": 10**7, "max_seconds": 60.0}


def end_holder(url: str) -> None:
    """End the connection that holds the workers' lock in a PostgreSQL database."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE locktype = 'advisory' AND granted AND datname = current_database() "
                "AND application_name = 'numnet_worker_lock'"
            )
        ).all()
    engine.dispose()
    assert ended == [(True,)]


class Worker:
    """A worker's process."""

    def __init__(self, program: Sequence[str], environment: dict[str, str], output: Path) -> None:
        self._output = output
        with output.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str) -> None:
        """Return once it has logged this."""

        def logged() -> bool:
            assert self.process.poll() is None, self.log
            return words in self.log

        until(logged)

    def send(self, number: signal.Signals) -> int:
        """Send a signal that ends it; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Installation:
    """Settings, and what runs with them.

    Parameters
    ----------
    url : of the database; empty: SQLite in the folder
    """

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
        self.environment = kept | {
            "NUMNET_MODELS": str(folder / "models"),
            "NUMNET_STATE": str(folder / "state"),
            "NUMNET_DATA": str(folder / "data"),
            "NUMNET_DATABASE_URL": url,
        }
        self.settings = Settings.from_environment(self.environment)
        self.registry = Registry.local(self.settings.models)
        self.jobs = Jobs(self.settings.jobs_url)
        self._workers: list[Worker] = []

    def start_worker(self, program: Sequence[str] = WORKER, **settings: str) -> Worker:
        output = self.folder / f"worker-{len(self._workers) + 1}.log"
        worker = Worker(program, self.environment | settings, output)
        self._workers.append(worker)
        return worker

    def at_work(self, job: Job) -> Worker:
        """The living worker that says that it carries a job out."""

        def found() -> Worker | None:
            name = self.jobs.get(job.id).document.get("worker", "")
            living = (each for each in self._workers if each.process.poll() is None)
            return next((each for each in living if name.endswith(f":{each.process.pid}")), None)

        return until(found)

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
        self.jobs.close()

    def request(self, asked: dict[str, Any]) -> Request:
        """What is asked for, like nothing before it."""
        return Request.like({}, asked)

    def submit(self, asked: dict[str, Any], **options: Any) -> Job:
        """A new job."""
        job, new = self.jobs.submit(self.request(asked), asked=asked, by="tests", **options)
        assert new
        return job

    def wait_for(self, job: Job, *, epoch: int = 0) -> Job:
        """The job once it has come to an epoch, or by default to its end."""

        def found() -> Job | None:
            now = self.jobs.get(job.id)
            if epoch:
                assert now.active, now.document
                return now if now.document.get("epoch", 0) >= epoch else None
            return None if now.active else now

        return until(found)

    def run(self, asked: dict[str, Any]) -> Job:
        """A job at its end."""
        return self.wait_for(self.submit(asked))

    def cancel_active(self) -> None:
        """So that one test's job is in no other's way."""
        if job := self.jobs.active():
            self.jobs.cancel(job.id)

    def current(self) -> int | None:
        promotion = self.registry.current()
        return promotion.version if promotion else None

    def versions_of(self, job: Job) -> list[int]:
        """The versions that were published for a job, as far as they can be read."""
        numbers = self.registry.versions()
        return [each for each in numbers if self.registry.card(each).get("job") == job.id]

    def checkpoints(self) -> list[Path]:
        return list((self.settings.state / "checkpoints").glob("*.npz"))
