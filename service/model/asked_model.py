"""The model that a request asks for, by its path and headers, before there is a route for it."""

import re
from collections.abc import Iterable

from service.model.model_cache import ModelCache
from service.web.tokens.scopes import MODEL_HEADER

_HEADER = MODEL_HEADER.lower().encode()
_DEFAULT = frozenset({"/predict", "/invocations"})
_NAMED = re.compile(r"/(?:v[12]/)?models/([^/:]+)")


class AskedModel:
    """Tells requests for one model from those for another, without I/O: for the event loop."""

    def __init__(self, models: ModelCache) -> None:
        self._models = models

    def name(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the model's name; empty if the request is for none that is in memory.

        Parameters
        ----------
        headers : with names in lower case
        """
        name = self._models.default.name
        if path not in _DEFAULT:
            if (found := _NAMED.match(path)) is None:
                return ""
            name = found[1]
        elif path == "/invocations":
            name = dict(headers).get(_HEADER, name.encode()).decode("latin-1")
        return name if self._models.if_opened(name) else ""
