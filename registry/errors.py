"""What can go wrong with stored versions.

RegistryError
├── StorageError         the folder cannot be read or written
│   └── KeyExists        exclusive create found the key taken
├── VersionNotFound      no version of that number
├── VersionRefused       a file that is damaged, forged or of another format
├── PromotionOvertaken   somebody else promoted in the meantime
└── NothingBefore        no version was current before the one that is
"""


class RegistryError(Exception):
    """Root of the package's errors."""


class StorageError(RegistryError):
    """The folder cannot be read or written."""

    @property
    def reason(self) -> str:
        """What the system says of it, without the path, which concerns no caller."""
        cause = self.__cause__
        return cause.strerror or "" if isinstance(cause, OSError) else ""


class KeyExists(StorageError):
    """Exclusive create found the key taken."""


class VersionNotFound(RegistryError):
    """No version of that number."""

    def __init__(self, version: int | str) -> None:
        super().__init__(f"there is no version {version}")
        self.version = version


class VersionRefused(RegistryError):
    """A version's file is damaged, forged or of another format; the message says how."""


class PromotionOvertaken(RegistryError):
    """Somebody else promoted since the decision to promote was made."""


class NothingBefore(RegistryError):
    """No version was current before the one that is."""
