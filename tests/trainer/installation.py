"""An installation for tests: a folder of models, a job database and real trainer processes."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from config import Settings
from registry import Models, Registry
from tests.patience import DEADLINE_SECONDS, until
from trainer.jobs import Job, Jobs, Request

ROOT = Path(__file__).parents[2]
TRAINER = ("-m", "trainer.worker")
TINY = {"samples": 200, "layers": [4], "solver": "l-bfgs", "epochs": 5, "max_seconds": 600.0}
BETTER = TINY | {"epochs": 60}
LONG = TINY | {"solver": "adam", "epochs": 10**7, "patience": 10**7, "max_seconds": 3600.0}


def kill_lock_connection(url: str) -> None:
    """End the connection that holds the trainers' lock in a PostgreSQL database."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        ended = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE locktype = 'advisory' AND granted AND datname = current_database() "
                "AND application_name = 'numnet_trainer_lock'"
            )
        ).all()
    engine.dispose()
    assert ended == [(True,)]


def age_database(path: Path) -> None:
    """Change a database of jobs of the default model to what earlier releases have written."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            """UPDATE workflow_input SET inputs = replace(inputs, ',"model":null', '')"""
        )
        [[inputs]] = connection.execute("SELECT inputs FROM workflow_input")
        assert "model" not in inputs
        connection.execute("UPDATE queues SET concurrency = 1")
        ids = connection.execute("SELECT deduplication_id FROM workflow_status").fetchall()
        assert ids == [("the one job",)]


class Trainer:
    """A trainer process."""

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

    def wait_for(self, message: str) -> None:
        """Return once the trainer has logged a message."""

        def logged() -> bool:
            assert self.process.poll() is None, self.log
            return message in self.log

        until(logged)

    def end(self, number: signal.Signals) -> int:
        """Send a signal that ends the process and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Installation:
    """Settings, and the trainers that were started with them.

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
        self._trainers: list[Trainer] = []

    def start_trainer(self, program: Sequence[str] = TRAINER, **settings: str) -> Trainer:
        output = self.folder / f"trainer-{len(self._trainers) + 1}.log"
        trainer = Trainer(program, self.environment | settings, output)
        self._trainers.append(trainer)
        return trainer

    def trainer_of(self, job: Job) -> Trainer:
        """Wait until a live trainer reports on a job, and return it."""

        def found() -> Trainer | None:
            name = self.jobs.get(job.id).document.get("worker", "")
            alive = (each for each in self._trainers if each.process.poll() is None)
            return next((each for each in alive if name.endswith(f":{each.process.pid}")), None)

        return until(found)

    def close(self) -> None:
        for trainer in self._trainers:
            trainer.process.kill()
            trainer.process.wait()
        self.jobs.close()

    def request(self, asked: dict[str, Any]) -> Request:
        """Return a request that inherits nothing."""
        return Request.like({}, asked)

    def submit(self, asked: dict[str, Any], **options: Any) -> Job:
        """Submit a new job."""
        job, new = self.jobs.submit(self.request(asked), asked=asked, by="tests", **options)
        assert new
        return job

    def wait_for(self, job: Job, *, epoch: int = 0) -> Job:
        """Return the job once it has reached an epoch, or by default once it has ended."""

        def found() -> Job | None:
            now = self.jobs.get(job.id)
            if epoch:
                assert now.active, now.document
                return now if now.document.get("epoch", 0) >= epoch else None
            return None if now.active else now

        return until(found)

    def run(self, asked: dict[str, Any]) -> Job:
        """Submit a job and return it once it has ended."""
        return self.wait_for(self.submit(asked))

    def cancel_active(self) -> None:
        """Cancel the job that is queued or running, so that the next test can submit one."""
        if job := self.jobs.active():
            self.jobs.cancel(job.id)

    def of_model(self, name: str) -> Registry:
        """Return the registry of a model."""
        return Models.local(self.settings.models, self.settings.model_name).registry(name)

    def current(self) -> int | None:
        promotion = self.registry.current()
        return promotion.version if promotion else None

    def versions_of(self, job: Job) -> list[int]:
        """Return the versions that were published for a job."""
        numbers = self.registry.versions()
        return [each for each in numbers if self.registry.card(each).get("job") == job.id]

    def checkpoints(self) -> list[Path]:
        return list((self.settings.state / "checkpoints").glob("*.npz"))
