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

    >>> try:
    ...     mien.load("gone.mien")
    ... except mien.MienError as error:  # any of the family
    ...     print(error)
    gone.mien: there is no such package
    """


class InputError(MienError):
    """A value, file or stream handed in is not what was asked for: correct the input.

    >>> mien.load(SPHERE).drive("gone.mp4")
    Traceback (most recent call last):
    mien.errors.InputError: gone.mp4: no such file or folder
    """


class ChannelError(InputError):
    """Channel or feature names are unknown, duplicate or missing: correct the names.

    >>> next(mien.load(SPHERE).drive(TAKE))["jawOpened"]
    Traceback (most recent call last):
    mien.errors.ChannelError: unknown channel 'jawOpened': expected one of ARKit's 52 ...
    """


class PackageError(MienError):
    """A character package is damaged, foreign or of another format version: export it again.

    >>> mien.load(b"not a zip")
    Traceback (most recent call last):
    mien.errors.PackageError: ...
    """


class MissingExtraError(MienError):
    """An optional part of mien is not installed: install the extra that the message names.

    >>> try:
    ...     mien.load(SPHERE, providers="cuda")
    ... except mien.MissingExtraError as error:
    ...     print("pip install 'mien[gpu]'" in str(error))
    True
    """


class ServiceError(MienError):
    """The other side of a connection refused, failed or went away: look at the server.

    >>> mien.connect("127.0.0.1:1").characters()
    Traceback (most recent call last):
    mien.errors.ServiceError: ...
    """
