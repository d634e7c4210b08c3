"""How a person moved in the footage that their rig was fitted to, and in which light.

It says of every frame where it is in its source, and of the person in it where they are and what
their face does. Rig space is that of the run's person.npz: vertices + weights . shape_deltas, moved
by world_from_rig, is what the camera saw. `performance_file` keeps it in the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien_training.footage.face_crop import FaceCrop
from mien_training.head import Template

__all__ = ["FilmingCamera", "FittedLight", "RigPerformance"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FilmingCamera:
    """One camera, and the one file that it recorded."""

    source: str
    """File name of the video, image or folder of images."""
    sha256: str
    """Of the file's content (`file_digest`)."""
    crop: FaceCrop
    """What the fit cut out of the file's images, and the camera of these images."""
    offset_s: float
    """Seconds to add to this camera's clock to have the common one; 0 of the first camera."""


@dataclass(frozen=True, eq=False)
class FittedLight:
    """The light of all frames, for a surface of the person's skin.png: what the fit found."""

    harmonics: Float32Array
    """(9, 3) coefficients of `rendering.appearance.harmonics` of the world's normals: linear RGB
    that a white surface throws back."""
    gain: Float32Array
    """(C, 3) factor of each camera's exposure and white balance; 1 of the first camera."""
    highlight_from: Float32Array
    """(L, 3) unit directions in the world that lobes of highlights come from."""
    highlight_colour: Float32Array
    """(L, 3) linear RGB, before the gain."""
    highlight_sharpness: Float32Array
    """(L,) s of a lobe exp(s (cosine - 1)) around the mirrored line of sight."""


@dataclass(frozen=True, eq=False)
class RigPerformance:
    """T frames of C cameras, camera by camera."""

    person_sha256: str
    """Of the person.npz that it belongs to."""
    shape_names: tuple[str, ...]
    """K names of `weights`, in the person's order."""
    size: int
    """Side of the square images that the fit compared, pixels."""
    cameras: tuple[FilmingCamera, ...]
    """The world is one for all of them, metres."""
    camera: NDArray[np.int64]
    """(T,) which camera, and so which file."""
    frame: NDArray[np.int64]
    """(T,) index in that file, counted as `read_frames` does."""
    clock_s: Float64Array
    """(T,) seconds since the file's first frame, on the camera's own clock."""
    time_s: Float64Array
    """(T,) seconds on the common clock, from the first frame with a face on."""
    weights: Float32Array
    """(T, K) 0..1"""
    rotation_xyzw: Float64Array
    """(T, 4) unit quaternions of world_from_rig."""
    translation: Float64Array
    """(T, 3) of world_from_rig, metres."""
    trusted: NDArray[np.bool_]
    """(T,) whether the tracker's points are the face's."""
    lost: NDArray[np.bool_]
    """(T,) whether the rig is not where the tracker's points are."""
    points_px: Float32Array
    """(T,) mean distance of the tracker's points from the rig's, pixels of the compared image."""
    face_px: Float32Array
    """(T,) larger side of the tracker's points, pixels of the compared image."""
    landmark_bias: Float32Array
    """(478, 3) from the person's places of the tracker's points to where the tracker puts them on
    this person: metres, rig space."""
    light: FittedLight

    @property
    def usable(self) -> NDArray[np.intp]:
        """Frames that are neither lost nor somebody else's."""
        return np.flatnonzero(self.trusted & ~self.lost)

    def world_from_rig(self, rows: Sequence[int] | NDArray[np.integer]) -> Float64Array:
        """(R, 4, 4) rigid, of frames (R,)."""
        moved = np.tile(np.eye(4), (len(rows), 1, 1))
        moved[:, :3, :3] = Rotation.from_quat(self.rotation_xyzw[rows]).as_matrix()
        moved[:, :3, 3] = self.translation[rows]
        return moved

    def posed(self, person: Template, rows: Sequence[int] | NDArray[np.integer]) -> Float32Array:
        """(R, V, 3) the person's vertices in the world in frames (R,), metres."""
        local = person.vertices + np.tensordot(self.weights[rows], person.shape_deltas, 1)
        moved = self.world_from_rig(rows)
        world = local @ moved[:, :3, :3].transpose(0, 2, 1) + moved[:, None, :3, 3]
        return world.astype(np.float32)

    def light_of(self, rows: Sequence[int] | NDArray[np.integer]) -> Float32Array:
        """(R, 9, 3) `harmonics` as the cameras of frames (R,) expose them."""
        return self.light.harmonics * self.light.gain[self.camera[rows], None]
