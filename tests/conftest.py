"""Settings of all tests: hypothesis, and the order for parallel processes."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "numnet",
    derandomize=True,
    # the time that an example takes says more about the machine than about the code
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("numnet")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files that have most slow tests, so that parallel processes end together."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])
