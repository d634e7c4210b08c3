"""mien: a face, live. Load a character package, feed it a tracked face, get animation frames.

    character = mien.load("character.mien")
    session = character.session()
    frame = session.step(features, time_s)

Names load on first use: `import mien` itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mien.errors import MienError

if TYPE_CHECKING:
    from mien.character import Character, load
    from mien.clip import Clip
    from mien.rig import Rig
    from mien.session import Frame, Session

__version__ = "0.1.0"
__all__ = ["Character", "Clip", "Frame", "MienError", "Rig", "Session", "load"]

_HOME = {
    "Character": "mien.character",
    "Clip": "mien.clip",
    "Frame": "mien.session",
    "Rig": "mien.rig",
    "Session": "mien.session",
    "load": "mien.character",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")
