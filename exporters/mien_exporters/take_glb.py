"""A driven take as an animated GLB: the character itself, moving."""

from __future__ import annotations

from pathlib import Path

from mien.atomic import write_atomically
from mien.take import Take
from mien_exporters.gltf import rig_to_glb

__all__ = ["write_take_glb"]


def write_take_glb(path: Path, take: Take) -> None:
    """Write `path`: the take's rig with one animation, "take", at the frames' own times."""
    write_atomically(path, rig_to_glb(take.character.rig, {"take": take.clip}))
