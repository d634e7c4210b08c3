"""Starts Warp once, without backward kernels and without a word on standard error.

Every module of Warp kernels imports this one first.
"""

# Warp's configuration is untyped.
# mypy: ignore-errors

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import warp as wp

__all__: list[str] = []


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
