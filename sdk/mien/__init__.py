"""mien: a face, live. Load a character package, show it a face, get animation frames.

    import mien

    ada = mien.load("ada.mien")
    for frame in ada.drive("me.mp4"):  # or "camera:0", a folder, a Clip
        engine.apply(frame.weights)  # {"jawOpen": 0.41, ...}
    ada.record("me.mp4", "take.csv", "anim.glb")

Names load on first use: `import mien` itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.errors import (
    ChannelError,
    InputError,
    MienError,
    MissingExtraError,
    PackageError,
    ServiceError,
)

if TYPE_CHECKING:
    from mien.character import Character, load
    from mien.clip import Clip
    from mien.driving import Drive
    from mien.filters import OneEuroConfig
    from mien.frame import Frame
    from mien.observation import Observation
    from mien.performer import Performer
    from mien.recording import Recording
    from mien.rig import Rig
    from mien.service.client import connect
    from mien.session import Session
    from mien.session_options import SessionOptions
    from mien.tracker.tracker import Tracker

__version__ = "0.1.0"
__all__ = [
    "ChannelError",
    "Character",
    "Clip",
    "Drive",
    "Frame",
    "InputError",
    "MienError",
    "MissingExtraError",
    "Observation",
    "OneEuroConfig",
    "PackageError",
    "Performer",
    "Recording",
    "Rig",
    "ServiceError",
    "Session",
    "SessionOptions",
    "Tracker",
    "connect",
    "load",
]

_HOME = {
    "Character": "mien.character",
    "Clip": "mien.clip",
    "Drive": "mien.driving",
    "Frame": "mien.frame",
    "Observation": "mien.observation",
    "OneEuroConfig": "mien.filters",
    "Performer": "mien.performer",
    "Recording": "mien.recording",
    "Rig": "mien.rig",
    "Session": "mien.session",
    "SessionOptions": "mien.session_options",
    "Tracker": "mien.tracker.tracker",
    "connect": "mien.service.client",
    "load": "mien.character",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")
