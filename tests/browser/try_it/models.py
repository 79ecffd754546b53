"""The models that the tests of the page try."""

from pathlib import Path

from registry import Registry
from tests.service.small_models import (
    publish,
    serve,
    small_model,
    some_calibration,
    table_model,
)

HOSTILE = (
    "</div><script>alert(1)</script>",
    'it\'s "x" $HOME `id` \\',
    "__proto__",
    "<img src=x onerror=alert(1)>",
    "a;b,c/d~e",
    "model",
)
NUMBERS = small_model(gain=2.0)
TABLE = table_model(targets=("price", "rent"))


def publish_all(folder: Path) -> None:
    """Publish the default model in two versions, and the models `house` and `hostile`."""
    registry = Registry.local(folder)
    publish(registry, small_model(seed=1))
    serve(registry, NUMBERS, some_calibration())
    serve(Registry.local(folder / "house"), TABLE, some_calibration(targets=2))
    serve(Registry.local(folder / "hostile"), small_model(HOSTILE, ("<b>y</b>",)))
