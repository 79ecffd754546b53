"""Model versions that outlive a process: files that are verified, and a log of promotions."""

from registry.errors import (
    KeyExists,
    NoPreviousVersion,
    PromotionOvertaken,
    RegistryError,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import Card, Version
from registry.promotions import Promotion
from registry.storage import LocalStorage, Storage
from registry.versions import Registry

__all__ = [
    "Card",
    "KeyExists",
    "LocalStorage",
    "NoPreviousVersion",
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
