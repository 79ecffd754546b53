"""gunicorn's options are made from the settings."""

import pytest

from config import Settings
from service.__main__ import Master, limits_of, load_service
from service.server.worker import Worker
from service.telemetry.gunicorn_logger import ServiceLogger


def test_settings_become_gunicorn_options() -> None:
    settings = Settings(host="0.0.0.0", port=81, workers=3)
    config = Master(settings, limits_of(settings), load_service).cfg
    assert config.address == [("0.0.0.0", 81)]
    assert (config.workers, config.worker_class) == (3, Worker)
    assert config.logger_class is ServiceLogger


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::", "::"), ("::1", "::1")],
)
def test_host_may_be_a_name_an_ipv4_or_an_ipv6_address(host: str, address: str) -> None:
    settings = Settings(host=host, port=81)
    server = Master(settings, limits_of(settings), load_service)
    assert server.cfg.address == [(address, 81)]
