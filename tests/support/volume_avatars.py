"""A volume of the sphere rig: what `mien train avatar` would leave, tiny, random and known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mien.rig import Rig
from mien_exporters.avatar.volume.volume_run import FieldShape, VolumeRun
from mien_exporters.export import build_character
from support.packages import FEATURES, tiny_animator, tiny_content
from support.rigs import sphere_rig
from support.splat_avatars import CONSENT, sphere_anchors, sphere_avatar

__all__ = ["SHAPE", "sphere_volume", "volume_package"]

SHAPE = FieldShape(
    longest_m=0.5, offset_bands=2, view_bands=1, coarse_samples=5, fine_samples=4,
    density_per_m=200.0, solid=4.0, solid_m=0.01, reach_m=0.05, fade_m=0.02, skin_m=0.01,
    below_m=0.03,
)  # fmt: skip
"""As coarse as the sphere's anchors, which lie 2 cm apart."""
_FEATURES, _WIDTH, _LIFTED, _OFFSETS_M = 6, 8, 10, (0.01, 0.02)


def sphere_volume(rig: Rig | None = None, seed: int = 0, **changes: Any) -> VolumeRun:
    """Random networks; a U-Net of two levels tells what expressions change."""
    rig = sphere_rig() if rig is None else rig
    anchors = sphere_anchors(rig)
    rng = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}

    def layer(name: str, *shape: int, bias: bool = True) -> None:
        scale = 1 / np.sqrt(np.prod(shape[1:]))
        weights[f"{name}.weight"] = rng.normal(0, scale, shape).astype(np.float32)
        if bias:
            weights[f"{name}.bias"] = rng.normal(0, 0.1, shape[:1]).astype(np.float32)

    def residual(name: str, before: int, after: int) -> None:
        layer(f"{name}.near", after, before, 3, 3)
        layer(f"{name}.far", after, after, 3, 3)
        layer(f"{name}.beside", after, before, 1, 1)

    layer("network.first", 4, 3, 3, 3)
    residual("network.down.0", 4, 4)
    residual("network.down.1", 4, 4)
    layer("network.codes", 4, len(rig.shape_names) + 6)
    residual("network.up.0", 8, 4)
    layer("network.last", _FEATURES, 4, 1, 1)
    for net in ("coarse", "fine"):
        layer(f"{net}.of_offset", _WIDTH, 3 * (1 + 2 * SHAPE.offset_bands))
        layer(f"{net}.of_features", _WIDTH, _FEATURES, bias=False)
        layer(f"{net}.mlp0.0", _WIDTH, _WIDTH)
        layer(f"{net}.mlp1.0", _WIDTH, _WIDTH)
        layer(f"{net}.mlp1.2", _WIDTH, _WIDTH)
        layer(f"{net}.density", 1, _WIDTH)
        layer(f"{net}.mlp2.0", 5, _WIDTH + 3 * (1 + 2 * SHAPE.view_bands))
        layer(f"{net}.colour", 3, 5)
    weights["static"] = rng.normal(0, 1, (_FEATURES, anchors.size, anchors.size))
    weights["own"] = rng.normal(0, 1, (_LIFTED * len(_OFFSETS_M), _FEATURES))
    weights = {name: value.astype(np.float32) for name, value in weights.items()}
    welded, kept = np.asarray(rig.welded), rig.vertices
    margin = np.float32(0.05)
    values: dict[str, Any] = dict(
        name="Sphere", anchors=anchors, map_anchors=anchors,
        chosen=np.arange(_LIFTED, dtype=np.int32),
        offsets_m=np.array(_OFFSETS_M, np.float32),
        triangles=welded[rig.triangles].astype(np.int32),
        thickness_m=np.full(len(kept), 0.02, np.float32),
        still=np.unique(welded)[::2].astype(np.int32), network="displacements", weights=weights,
        shape=SHAPE, channel_names=rig.shape_names, vertices=kept,
        bounds_m=np.stack([kept.min(0) - margin, kept.max(0) + margin]), consent=CONSENT,
        metrics={"psnr_db": 28.5}, provenance={"seed": seed},
    )  # fmt: skip
    return VolumeRun(**(values | changes))


def volume_package(path: Path, run: VolumeRun | None = None, splats: bool = False) -> Path:
    """A sound package of the sphere with a volume; splats: and an avatar of splats."""
    manifest, _ = tiny_content()
    rig = sphere_rig()
    return build_character(
        path, rig, tiny_animator(channels=len(rig.shape_names)), channels=rig.shape_names,
        features=FEATURES, licence=manifest.licence, consent=manifest.consent,
        avatar=sphere_avatar(rig) if splats else None,
        volume=sphere_volume(rig) if run is None else run,
    )  # fmt: skip
