"""`python -m welcome`: say what a new service serves, and where, when it is ready.

`make run` starts it on a terminal.
"""

import socket
import sys
import time
from contextlib import suppress

from config import VERSION, Settings
from config.log_format import has_colour, printable
from registry import Card, Models, Registry, RegistryError
from service.web.tokens.admin_token import FILE
from trainer.heartbeat import Heartbeat

TIMEOUT_SECONDS = 60.0  # until the service listens
TRAINER_SECONDS = 5.0  # until the trainer waits for jobs, whose log line should come before
POLL_SECONDS = 0.05
NAMES = 6  # of features


def main() -> None:
    settings = Settings.from_environment()
    begun = time.monotonic()
    while not _listens(settings):
        if time.monotonic() - begun > TIMEOUT_SECONDS:
            return
        time.sleep(POLL_SECONDS)
    heartbeat = Heartbeat()
    while (waited := time.monotonic() - begun) < TRAINER_SECONDS and heartbeat.age() > waited:
        time.sleep(POLL_SECONDS)
    print(f"\n{welcome(settings, bold=has_colour(sys.stderr))}\n", file=sys.stderr, flush=True)


def welcome(settings: Settings, *, bold: bool = False) -> str:
    """Return what is served, how good it is, the address to open, and where the token is."""
    begin, end = ("\033[1m", "\033[0m") if bold else ("", "")
    models = Models.local(settings.models, settings.model_name)
    lines = [
        *_served(models.registry(settings.model_name), len(models.others())),
        f"open    {begin}{address(settings)}{end}",
        f"token   {_token(settings)}, for requests that change something",
        "stop    Ctrl-C",
    ]
    return f"{begin}numnet {VERSION}{end}\n" + "\n".join(f"  {line}" for line in lines)


def address(settings: Settings) -> str:
    """Return the URL of the service for a browser on this machine."""
    host = _reachable(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/"


def _served(registry: Registry, others: int) -> list[str]:
    beside = f", and {others} other model{'s' * (others > 1)}" if others else ""
    try:
        current = registry.serving()
        if current is None:
            return [f"serves  no version yet{beside}"]
        card = registry.card(current.version)
    except RegistryError as error:
        return [f"error   {printable(str(error))}"]
    targets, features = (_listed(card[names]) for names in ("targets", "features"))
    return [
        f"serves  version {current.version}: {targets} from {features}{beside}",
        *(f"quality {text}" for text in _errors(card)),
    ]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return printable(", ".join(names[:NAMES])) + more


def _errors(card: Card) -> list[str]:
    """Return the error on rows that were not trained on, beside those of simpler models."""
    metrics = card.get("metrics", {})
    found = metrics.get("out_of_fold") or metrics.get("test")
    if not found:
        return []
    simpler = [f"{name} {each['rmse']:.3g}" for name, each in found.get("baselines", {}).items()]
    beside = f"; simpler models: {', '.join(simpler)}" if simpler else ""
    r2 = "" if found.get("r2") is None else f", R² {found['r2']:.6g}"
    return [f"RMSE {found['rmse']:.3g}{r2} on rows that it was not trained on{beside}"]


def _token(settings: Settings) -> str:
    return "NUMNET_ADMIN_TOKEN" if settings.admin_token else f"in {settings.state / FILE}"


def _listens(settings: Settings) -> bool:
    with suppress(OSError):
        socket.create_connection((_reachable(settings.host), settings.port), timeout=1).close()
        return True
    return False


def _reachable(host: str) -> str:
    """Return the address by which this machine reaches a service that listens on a host."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared


if __name__ == "__main__":
    main()
