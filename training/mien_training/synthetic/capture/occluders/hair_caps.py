"""Caps of hair or cloth on a scalp: a shell over the skin, thick on the crown, thin at its rim."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from mien.deform import vertex_normals
from mien.errors import InputError
from mien.rig import Material
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.scene.scene_mesh import SceneMesh
from mien_training.synthetic.capture.occluders.worn import Worn
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates.regions import scalp_share

__all__ = ["hair_cap"]

Float32Array = NDArray[np.float32]

_RIM_M = 0.0006
_SIDE = 64


def hair_cap(
    template: Template,
    neutral: Float32Array,
    thickness_m: float,
    colour: tuple[int, int, int],
    seed: int,
    cloth: bool = False,
) -> Worn:
    """A shell `thickness_m` off the scalp of a head with (V, 3) neutral vertices, metres.

    colour: sRGB, 8 bit. cloth: even and plain, its rim straight around the head; hair has lumps
    and streaks. Raises InputError for a head without a scalp.
    """
    rng = np.random.default_rng((seed, 83))
    frame = FaceFrame.of(template, neutral)
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    if cloth:
        local = frame.local(neutral)
        forward = (neutral[:, 2] - frame.skull_z) / frame.unit
        member = local[:, 1] > rng.uniform(0.25, 0.5) + 0.4 * forward
    else:
        member = scalp_share(template, neutral)[0] > 0.5
    faces = skin[member[skin].all(1)]
    if not len(faces):
        raise InputError(f"hair_cap: template {template.name!r} has no scalp")
    used, corner = np.unique(faces, return_inverse=True)
    triangles = corner.reshape(-1, 3).astype(np.int32)
    inner = _from_rim(triangles, len(used))
    lumps = 0.0 if cloth else 0.35 * SmoothField(rng, 1, 0.025, 0.07)(neutral[used])[:, 0]
    height = _RIM_M + thickness_m * np.clip(1 + lumps, 0.2, 1.8) * inner
    normals = vertex_normals(neutral, template.triangles)[used]
    places = neutral[used] + height[:, None] * normals
    way = places - np.array([frame.middle[0], frame.middle[1], frame.skull_z])
    around = np.arctan2(way[:, 0], way[:, 2]) / (2 * np.pi) + 0.5
    down = np.arctan2(np.hypot(way[:, 0], way[:, 2]), way[:, 1]) / np.pi
    mesh = SceneMesh(
        "clothes" if cloth else "hair",
        triangles,
        np.stack([around, down], 1).astype(np.float32),
        Material("cap", _texture(colour, cloth, rng), roughness=0.9 if cloth else 0.6),
        (0.6 + 0.4 * inner).astype(np.float32),
    )
    return Worn(mesh, places.astype(np.float32), "skin", None, used.astype(np.int32))


def _from_rim(triangles: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """(count,) 0 at the shell's rim, towards 1 inside: what diffuses in from it."""
    pairs = np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]])
    ordered, times = np.unique(np.sort(pairs, 1), axis=0, return_counts=True)
    rim = np.zeros(count, np.bool_)
    rim[ordered[times == 1]] = True
    i, j = ordered.T
    one = np.ones(len(i))
    links = sparse.coo_matrix((one, (i, j)), (count, count)).tocsr()
    links = links + links.T
    valence = np.asarray(links.sum(1)).ravel()
    value = np.where(rim, 0.0, 1.0)
    for _ in range(6):
        value = np.where(rim, 0.0, 0.5 * value + 0.5 * (links @ value) / np.maximum(valence, 1))
    return np.asarray(value)


def _texture(
    colour: tuple[int, int, int], cloth: bool, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """(64, 64, 3): streaks that run down, for hair; hardly any, for cloth."""
    rough = rng.standard_normal((_SIDE, _SIDE))
    streaks = ndimage.gaussian_filter(rough, (6.0, 0.7) if not cloth else 1.0, mode="wrap")
    streaks *= (0.08 if cloth else 0.35) / streaks.std()
    return np.asarray((np.array(colour) * np.exp(streaks)[..., None] + 3).clip(0, 255), np.uint8)
