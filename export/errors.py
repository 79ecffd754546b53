"""What can go wrong with other forms of a version.

ExportError
├── NotExportable   the version cannot be written in this form; the message says why
└── UnknownFormat   there is no form of this name
"""


class ExportError(Exception):
    """Root of the package's errors."""


class NotExportable(ExportError):
    """The version cannot be written in this form; the message says why."""


class UnknownFormat(ExportError):
    """There is no form of this name."""
