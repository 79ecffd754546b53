"""Source code with places to fill in, written as `<<name>>`."""

import re

_PLACE = re.compile("<<([A-Za-z_]+)>>")


def filled(template: str, parts: dict[str, str]) -> str:
    """Return a template with its places filled in. What is filled in is not searched for places."""
    return _PLACE.sub(lambda place: parts[place[1]], template)
