"""What `mien capture` is called with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mien.errors import InputError
from mien_training.capture.take import parse_frames

__all__ = ["NOT_OF_THE_MESHES", "CaptureConfig"]

NOT_OF_THE_MESHES = ("out", "write", "texture_side", "show_frames", "give_up")
"""Options that a finished run may be called with anew."""


@dataclass(frozen=True)
class CaptureConfig:
    """Capture a head, moment by moment, from films or pictures of calibrated cameras in step."""

    sources: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Films, or folders of numbered pictures, one of each camera; or one folder that holds a folder
    of pictures for each camera."""
    cameras: Path
    """Calibration file (JSON, see docs/calibration.md): an entry for each source, of its name."""
    out: Path = Path("capture")
    """Folder of the run: meshes, texture, report."""
    net: Path | None = None
    """Networks of `mien train capture`; left out, those that come with mien."""
    template: str = "anny"
    """The head whose topology the meshes have, as for `mien train rig`."""
    frames: str = ":"
    """Which moments: first:last:step, of frames of films counted from 0, or of the numbers in the
    pictures' names; the last is one of them."""
    fps: float | None = None
    """Moments a second of numbered pictures, 30 if left out; films have their own times."""
    polish: bool = False
    """Move each mesh along its normals until the pictures agree, some seconds a moment: finer, from
    pictures in which the head is some 400 pixels high or more."""
    smooth: Literal["zero-lag", "causal", "none"] = "zero-lag"
    """Steadies pose and shape over time, blinks kept; causal: by moments before alone, as live. The
    meshes as captured are kept beside it."""
    write: tuple[Literal["glb", "ply"], ...] = ()
    """More files: glb (one animated mesh) and ply (a mesh for every moment)."""
    texture_side: int = 1024
    """Texels along the skin texture that is made of the pictures; 0 for none."""
    show_frames: bool = True
    """False keeps every pixel of the pictures out of the report."""
    give_up: int = 30
    """Stop where that many moments from the first on are all failures."""

    def __post_init__(self) -> None:
        parse_frames(self.frames)
        if self.texture_side and not 32 <= self.texture_side <= 8192:
            raise InputError(f"texture_side is {self.texture_side}, expected 32 to 8192, or 0")
        if self.give_up < 1:
            raise InputError(f"give_up is {self.give_up}, expected 1 or more")
