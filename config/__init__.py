"""Settings and logging, which every process shares."""

from config.settings import Settings, SettingsError

VERSION = "0.1.0"  # numnet's

__all__ = ["VERSION", "Settings", "SettingsError"]
