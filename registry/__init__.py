"""Models that outlive a process: files of versions that are verified, and logs of promotions."""

from registry.card import Card, card_object
from registry.errors import (
    FeaturesDiffer,
    KeyExists,
    NoPreviousVersion,
    ObjectUnreadable,
    PromotionOvertaken,
    RegistryError,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import HeldOut, Version
from registry.models import Models
from registry.promotions import Promotion
from registry.storage import LocalStorage, Storage
from registry.versions import Registry

__all__ = [
    "Card",
    "FeaturesDiffer",
    "HeldOut",
    "KeyExists",
    "LocalStorage",
    "Models",
    "NoPreviousVersion",
    "ObjectUnreadable",
    "Promotion",
    "PromotionOvertaken",
    "Registry",
    "RegistryError",
    "Storage",
    "StorageError",
    "Version",
    "VersionNotFound",
    "VersionRefused",
    "card_object",
]
