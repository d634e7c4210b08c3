"""A rig and a trained animator -> one .mien file."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.clip import Clip
from mien.errors import ChannelError
from mien.manifest import Consent, Manifest
from mien.model_signature import read_signature
from mien.package import ANIMATOR, CHARACTER, write_package
from mien.rig import Rig
from mien.tracker.features import FeatureLayout
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_mesh import drop_still_shapes

__all__ = ["build_character", "character_id"]


def build_character(
    out_path: str | os.PathLike[str],
    rig: Rig,
    animator_onnx: bytes,
    *,
    channels: tuple[str, ...],
    features: tuple[str, ...],
    licence: str,
    consent: Consent,
    rate_hz: float = 30.0,
    name: str | None = None,
    provenance: Mapping[str, Any] | None = None,
    preview_png: bytes | None = None,
    clips: Mapping[str, Clip] | None = None,
) -> Path:
    """Write a character package that `mien verify` passes; returns its path.

    `channels` name the animator's outputs, in order; the rig's moving shapes must have the same
    names (shapes that move nothing are left out of the GLB). `features` name the groups of its
    input. `clips` go in twice: as animations of the GLB for engines, as clips/NAME.npz for hosts.
    The same input gives the same bytes. Raises ChannelError, InputError or PackageError before
    anything is written.
    """
    rig = drop_still_shapes(rig)
    if set(channels) != set(rig.shape_names):
        raise ChannelError(
            f"rig {rig.name!r}: its moving shapes are not the animator's channels (only the rig "
            f"has: {', '.join(sorted(set(rig.shape_names) - set(channels))) or 'none'}; only the "
            f"animator: {', '.join(sorted(set(channels) - set(rig.shape_names))) or 'none'})"
        )
    signature = read_signature(animator_onnx, ANIMATOR)
    glb = rig_to_glb(rig, clips)
    name = rig.name if name is None else name
    files = {CHARACTER: glb, ANIMATOR: animator_onnx}
    if preview_png is not None:
        files["preview.png"] = preview_png
    for clip_name, clip in (clips or {}).items():
        files[f"clips/{clip_name}.npz"] = _npz(clip)
    manifest = Manifest(
        name=name,
        id=character_id(name, glb, animator_onnx),
        licence=licence,
        consent=consent,
        channels=channels,
        features=features,
        feature_size=FeatureLayout(features).size,
        rate_hz=rate_hz,
        models={ANIMATOR: signature},
        provenance=provenance or {},
    )
    return write_package(out_path, manifest, files)


def character_id(name: str, *content: bytes) -> str:
    """A readable, stable identifier: the name in plain letters, and a hash of the content."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "character"
    return f"{plain}-{hashlib.sha256(b''.join(content)).hexdigest()[:12]}"


def _npz(clip: Clip) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.npz")
        clip.write(path)
        return path.read_bytes()
