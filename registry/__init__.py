"""Model versions that outlive a process: files on disk, verified on load, promoted by a log."""

from registry.errors import (
    KeyExists,
    NothingBefore,
    PromotionOvertaken,
    RegistryError,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import Card, Version
from registry.storage import LocalStorage, Storage
from registry.versions import Promotion, Registry

__all__ = [
    "Card",
    "KeyExists",
    "LocalStorage",
    "NothingBefore",
    "Promotion",
    "PromotionOvertaken",
    "Registry",
    "RegistryError",
    "Storage",
    "StorageError",
    "Version",
    "VersionNotFound",
    "VersionRefused",
]
