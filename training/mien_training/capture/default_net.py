"""The net that comes with mien."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from mien_training.capture.capture_net import CaptureNet
from mien_training.templates import load_template

__all__ = ["DEFAULT_NET", "default_net"]

DEFAULT_NET = Path(str(files("mien_training.capture") / "default_net.npz"))
"""`mien train capture` with its defaults, of the template anny."""


@cache
def default_net() -> CaptureNet:
    """Read once."""
    return CaptureNet.read(DEFAULT_NET, load_template("anny"))
