"""What can go wrong with stored versions.

RegistryError
├── StorageError         the storage cannot be read or written
│   ├── KeyExists        exclusive create: the key exists
│   └── ObjectUnreadable one object is odd; others may be read
├── VersionNotFound      there is no version with that number
├── VersionRefused       a file is damaged, forged or in another format
├── PromotionOvertaken   another promotion was made in the meantime
├── NoPreviousVersion    there is no version to roll back to
└── FeaturesDiffer       clients could not use the version of a rollback
"""


class RegistryError(Exception):
    """Root of the package's errors."""


class StorageError(RegistryError):
    """The storage cannot be read or written."""

    @property
    def reason(self) -> str:
        """Return the operating system's reason, without the path, which clients must not see."""
        cause = self.__cause__
        return cause.strerror or "" if isinstance(cause, OSError) else ""


class KeyExists(StorageError):
    """Exclusive create: the key exists."""


class ObjectUnreadable(StorageError):
    """One object cannot be read, because of its type, size or permissions; others may be read."""


class VersionNotFound(RegistryError):
    """There is no version with that number."""

    def __init__(self, version: int | str) -> None:
        super().__init__(f"there is no version {version}")
        self.version = version


class VersionRefused(RegistryError):
    """A version's file is damaged, forged or in another format; the message says in what."""


class PromotionOvertaken(RegistryError):
    """Another promotion was made after the decision to promote."""


class NoPreviousVersion(RegistryError):
    """There is no version to roll back to."""


class FeaturesDiffer(RegistryError):
    """A rollback would make a version current that clients of the current one could not use."""
