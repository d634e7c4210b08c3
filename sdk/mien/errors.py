"""Everything mien raises on purpose: one family, one child per remedy that the caller has."""

__all__ = [
    "ChannelError",
    "InputError",
    "MienError",
    "MissingExtraError",
    "PackageError",
    "ServiceError",
]


class MienError(Exception):
    """Base of all errors that mien raises on purpose.

    The message says what was called, with what, and what was expected; it is fit to be shown to a
    user without a traceback.
    """


class InputError(MienError):
    """A value, file or stream handed in is not what was asked for: correct the input."""


class ChannelError(InputError):
    """Channel or feature names are unknown, duplicate or missing: correct the names."""


class PackageError(MienError):
    """A character package is damaged, foreign or of another format version: export it again."""


class MissingExtraError(MienError):
    """An optional part of mien is not installed: install the extra that the message names."""


class ServiceError(MienError):
    """The other side of a connection refused, failed or went away: look at the server."""
