"""Skin detail for the sphere rig: what `mien train detail` would leave, small and known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.rig import Rig
from mien_exporters.avatar.avatar_run import AvatarRun
from mien_exporters.detail.detail_run import DetailRun
from mien_exporters.export import build_character
from support.packages import FEATURES, tiny_animator, tiny_content
from support.rigs import sphere_rig

REGIONS = ("foreheadLeft", "foreheadRight", "chinLeft", "chinRight")
SIDE, MASK_SIDE = 32, 16


def sphere_detail(rig: Rig | None = None, seed: int = 0, hidden: int = 8) -> DetailRun:
    """Random detail of the rig; its masks are quarters of the atlas, its maps lie inside."""
    rig = sphere_rig() if rig is None else rig
    rng = np.random.default_rng(seed)
    maps = np.zeros((3, SIDE, SIDE), np.float32)
    maps[:, 2:-2, 2:-2] = rng.normal(0, 2e-4, (3, SIDE - 4, SIDE - 4))
    masks = np.zeros((len(REGIONS), MASK_SIDE, MASK_SIDE), np.float32)
    half = MASK_SIDE // 2
    for r, (row, column) in enumerate(((0, 0), (0, half), (half, 0), (half, half))):
        masks[r, row : row + half, column : column + half] = 1
    tangents = np.zeros((2, 2, SIDE, SIDE), np.float32)
    tangents[0, 0], tangents[1, 1] = 6.0, -5.0
    layers = (
        rng.normal(0, 0.7, (hidden, len(rig.shape_names))).astype(np.float32),
        rng.normal(0, 0.7, (len(REGIONS), hidden)).astype(np.float32),
    )
    return DetailRun(
        name="Sphere", maps=maps, tangent_from_atlas=tangents, masks=masks, region_names=REGIONS,
        places=np.ascontiguousarray(0.1 + 0.8 * rig.uvs, np.float32), vertices=rig.vertices,
        channel_names=rig.shape_names, layers=layers, intensity=0.75,
        provenance={"seed": seed},
    )  # fmt: skip


def wrinkled_package(
    path: Path, detail: DetailRun | None = None, avatar: AvatarRun | None = None
) -> Path:
    """A sound package of the sphere with skin detail, and an avatar if there is one."""
    manifest, _ = tiny_content()
    rig = sphere_rig()
    skin = tuple(
        type(m)("skin" if k == 0 else m.name, m.base_color, m.color, m.roughness)
        for k, m in enumerate(rig.materials)
    )
    from dataclasses import replace

    rig = replace(rig, materials=skin)
    return build_character(
        path, rig, tiny_animator(channels=len(rig.shape_names)), channels=rig.shape_names,
        features=FEATURES, licence=manifest.licence, consent=manifest.consent,
        detail=sphere_detail(rig) if detail is None else detail, detail_map_size=16,
        avatar=avatar,
    )  # fmt: skip
