"""Model versions that outlive a process: files on disk, verified on load, promoted by a log."""

from registry.errors import (
    KeyExists,
    NothingBefore,
    PromotionOvertaken,
    RegistryError,
    SettingsError,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import Card, Version
from registry.settings import Settings
from registry.storage import LocalStorage, Storage
from registry.versions import Promotion, Registry

VERSION = "0.1.0"  # numnet's

__all__ = [
    "VERSION",
    "Card",
    "KeyExists",
    "LocalStorage",
    "NothingBefore",
    "Promotion",
    "PromotionOvertaken",
    "Registry",
    "RegistryError",
    "Settings",
    "SettingsError",
    "Storage",
    "StorageError",
    "Version",
    "VersionNotFound",
    "VersionRefused",
]
