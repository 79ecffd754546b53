"""A model of the installation: its versions, stored and in memory."""

from dataclasses import dataclass

from registry import Registry
from service.model.current_version import CurrentVersion
from service.model.version_cache import VersionCache


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model of the installation.

    Attributes
    ----------
    versions : the current version, and others by number
    """

    name: str
    registry: Registry
    current_version: CurrentVersion
    versions: VersionCache

    @property
    def memory_bytes(self) -> int:
        """About how much memory its versions take."""
        current = self.current_version.in_memory
        loaded = [*self.versions.in_memory, *([current] if current else [])]
        return sum(version.memory_bytes for version in loaded)
