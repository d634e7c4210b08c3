"""Starts Warp as the runtime does, and once for both.

Every module of Warp kernels imports this one first.
"""

import mien.avatar.warp_start  # noqa: F401

__all__: list[str] = []
