"""An avatar of the sphere rig: what `mien train avatar` would leave, small, random and known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mien.avatar import Anchors, pose_anchors
from mien.consent import Consent
from mien.rig import Rig
from mien_exporters.avatar.avatar_run import AvatarRun
from mien_exporters.export import build_character
from support.packages import FEATURES, tiny_animator, tiny_content
from support.rigs import sphere_rig

__all__ = ["CONSENT", "avatar_package", "random_avatar", "sphere_anchors", "sphere_avatar"]

CONSENT = Consent("synthetic", "Random colours on a sphere; nobody is shown.")
SIDE = 16
_SHARE = 0.8
"""Part of the atlas, each way, that the sphere takes; a triangle of extra vertices has the rest."""


def sphere_anchors(rig: Rig, side: int = SIDE) -> Anchors:
    """Texels of the rig's own texture coordinates, and three extra vertices in its middle."""
    count = len(rig.vertices)
    corners = np.array(
        [[0, count // 2], [count // 3, count - 1], [count // 4, count - 9]], np.int32
    )
    weights = np.array([[0.25, 0.75], [0.5, 0.5], [0.6, 0.4]], np.float32)
    uvs = np.concatenate([_SHARE * rig.uvs, [[0.85, 0.99], [0.99, 0.99], [0.99, 0.85]]])
    triangles = np.concatenate([rig.triangles, [[count, count + 1, count + 2]]]).astype(np.int32)
    source = np.concatenate([rig.welded, count + np.arange(3)]).astype(np.int32)
    texel, triangle, bary = _rastered(uvs[triangles], side)
    extra = (rig.vertices[corners] * weights[..., None]).sum(1)
    p = np.concatenate([rig.vertices, extra]).astype(np.float64)[source[triangles]]
    area = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    rest = np.bincount(source[triangles].ravel(), np.repeat(area, 3), count + 3)
    return Anchors(
        size=side, texel=texel, triangle=triangle, bary=bary, triangles=triangles,
        uvs=uvs.astype(np.float32), source=source, vertex_count=count,
        rest_areas=rest.astype(np.float32), extra_corners=corners, extra_weights=weights,
    )  # fmt: skip


def _rastered(flat: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Texels whose centres lie in a triangle (F, 3, 2): index, triangle, shares of its corners."""
    v, u = np.divmod(np.arange(side * side), side)
    centres = (np.stack([u, v], 1) + 0.5) / side
    a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]
    det = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    d = centres[:, None] - c
    first = ((b[:, 1] - c[:, 1]) * d[..., 0] + (c[:, 0] - b[:, 0]) * d[..., 1]) / det
    second = ((c[:, 1] - a[:, 1]) * d[..., 0] + (a[:, 0] - c[:, 0]) * d[..., 1]) / det
    shares = np.stack([first, second, 1 - first - second], -1)
    inside = shares.min(-1) >= -1e-9
    texel = np.flatnonzero(inside.any(1))
    triangle = inside[texel].argmax(1)
    bary = shares[texel, triangle].clip(0)
    return texel, triangle.astype(np.int32), (bary / bary.sum(1, keepdims=True)).astype(np.float32)


def random_avatar(
    rig: Rig, anchors: Anchors, lifted: int, seed: int = 0, maps: int = 5, hidden: int = 8,
    strength: float = 0.2, **changes: Any,
) -> AvatarRun:  # fmt: skip
    """Random Gaussians on all anchors and, twice, above the first `lifted` of them."""
    rng = np.random.default_rng(seed)
    count = len(anchors.texel)
    layers = (0.005, 0.012)
    anchor = np.concatenate([np.arange(count), np.tile(np.arange(lifted), len(layers))])
    lift = np.concatenate([np.zeros(count), np.repeat(layers, lifted)]).astype(np.float32)
    total, shapes = len(anchor), len(rig.shape_names)
    static = rng.normal(0, 0.5, (total, 13))
    static[:, 6:9] += np.log([0.7, 0.7, 0.35])
    static[:, 9] += np.where(lift > 0, -1.0, 2.0)

    def normal(scale: float, *shape: int) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    network = (
        (normal(0.6, hidden, shapes + 6), normal(0.3, hidden)),
        (normal(0.5, hidden, hidden), normal(0.3, hidden)),
        (normal(0.5, maps, hidden), normal(0.3, maps)),
    )
    area = 4 * np.pi * float(np.square(np.ptp(rig.vertices, 0)).mean()) / 4
    spacing = np.full(total, np.sqrt(area / count), np.float32)
    margin = np.float32(0.05)
    places = pose_anchors(anchors, rig.vertices).positions
    values: dict[str, Any] = dict(
        name="Sphere", anchors=anchors, anchor=anchor.astype(np.int32), lift_m=lift,
        spacing_m=spacing, static=static.astype(np.float32),
        maps=normal(strength, maps, count, 16), layers=network, channel_names=rig.shape_names,
        vertices=rig.vertices,
        bounds_m=np.stack([places.min(0) - margin, places.max(0) + margin]).astype(np.float32),
        bake_loss_db=0.02, consent=CONSENT, metrics={"psnr_db": 30.5}, provenance={"seed": seed},
    )  # fmt: skip
    return AvatarRun(**(values | changes))


def sphere_avatar(rig: Rig | None = None, **changes: Any) -> AvatarRun:
    """`random_avatar` of the sphere."""
    rig = sphere_rig() if rig is None else rig
    return random_avatar(rig, sphere_anchors(rig), 20, **changes)


def avatar_package(path: Path, run: AvatarRun | None = None) -> Path:
    """A sound package of the sphere with an avatar."""
    manifest, _ = tiny_content()
    rig = sphere_rig()
    return build_character(
        path, rig, tiny_animator(channels=len(rig.shape_names)), channels=rig.shape_names,
        features=FEATURES, licence=manifest.licence, consent=manifest.consent,
        avatar=sphere_avatar(rig) if run is None else run,
    )  # fmt: skip
