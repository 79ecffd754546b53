"""Settings and logging, which every process shares."""

from config.environment import SettingsError
from config.settings import Settings

VERSION = "0.1.0"  # numnet's

__all__ = ["VERSION", "Settings", "SettingsError"]
