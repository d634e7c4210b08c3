"""Train a character: templates, rendering, and one folder per method. Needs `mien[train]`."""

from mien.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("mien_training needs PyTorch: pip install 'mien[train]'") from error
