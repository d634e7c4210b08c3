"""Beards: short strands on cheeks, jaw, chin and upper lip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.paint.skin import beard_cover
from mien_training.synthetic.capture.occluders.worn import Worn
from mien_training.synthetic.hair import StrandHair
from mien_training.synthetic.hair.ribbons import ribbon_mesh

__all__ = ["grow_beard"]

Float32Array = NDArray[np.float32]

_STEPS = 4


def grow_beard(
    template: Template,
    neutral: Float32Array,
    length_m: float,
    colour: tuple[int, int, int],
    seed: int,
    strands: int = 1400,
) -> Worn:
    """A beard on a head with (V, 3) neutral vertices, metres; colour sRGB, 8 bit.

    It is longest at the chin. Raises InputError for a head on which none grows.
    """
    rng = np.random.default_rng((seed, 84))
    frame = FaceFrame.of(template, neutral)
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    cover = beard_cover(neutral, frame)
    cover = np.where(template.regions["lips"], 0.0, cover)
    corners = neutral[skin].astype(np.float64)
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    density = area * np.where(cover[skin].min(1) > 0.3, cover[skin].mean(1), 0.0)
    if not density.sum() > 0:
        raise InputError(f"grow_beard: template {template.name!r} has no place for a beard")
    chosen = rng.choice(len(skin), strands, p=density / density.sum())
    weights = rng.dirichlet((1, 1, 1), strands)
    roots = np.einsum("nc,ncx->nx", weights, corners[chosen])
    every = vertex_normals(neutral, template.triangles).astype(np.float64)
    normal = _unit(np.einsum("nc,ncx->nx", weights, every[skin[chosen]]))
    below = np.clip(-0.6 - (roots[:, 1] - frame.middle[1]) / frame.unit, 0, 1.2) / 1.2
    length = length_m * (0.35 + 0.65 * below) * rng.uniform(0.7, 1.2, strands)
    fall = np.array([0.0, -1.0, 0.1]) + rng.normal(0, 0.35, (strands, 3))
    fall = fall - np.minimum((fall * normal).sum(1, keepdims=True), 0) * normal
    t = np.linspace(0, 1, _STEPS)[None, :, None]
    reach = 0.8 * t * normal[:, None] + (t + 0.6 * t**2) * _unit(fall)[:, None]
    points = roots[:, None] + length[:, None, None] * reach / 1.6
    occlusion = np.broadcast_to(0.55 + 0.45 * t[..., 0], (strands, _STEPS))
    outward = np.repeat(normal[:, None], _STEPS, 1)
    mesh, vertices, normals = ribbon_mesh(
        points, outward, np.full(strands, _STEPS), 0.0018, occlusion, colour,
        float(max(0.0, rng.uniform(-1.0, 0.6))), rng,
    )  # fmt: skip
    root = skin[chosen, weights.argmax(1)].astype(np.int32)
    hair = StrandHair(mesh, vertices, normals, np.repeat(root, 2 * _STEPS).astype(np.int32))
    return Worn.of_hair(hair)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
