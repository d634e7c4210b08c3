"""Warp, started once, without backward kernels and without a word on standard error.

Everything that uses Warp takes it from here. Raises MissingExtraError where warp-lang is
not installed.
"""

# Warp's configuration is untyped.
# mypy: ignore-errors

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from mien.errors import MissingExtraError

try:
    import warp as wp
except ImportError as error:
    raise MissingExtraError("drawing needs warp-lang: pip install 'mien[avatar]'") from error

__all__ = ["wp"]


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Warp's native library writes "no CUDA driver" straight to file descriptor 2."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


wp.config.log_level = wp.LOG_ERROR
wp.config.enable_backward = False
with _silent_stderr():
    wp.init()
