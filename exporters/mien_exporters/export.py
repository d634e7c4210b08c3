"""A rig and a trained animator -> one .mien file; `mien export`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from mien import __version__
from mien.avatar_kinds import Avatar
from mien.clip import Clip
from mien.errors import ChannelError, InputError
from mien.manifest import Consent, Manifest
from mien.model_signature import read_signature
from mien.package import ANIMATOR, CHARACTER, write_package
from mien.rig import Rig
from mien.tracker.features import FeatureLayout
from mien_exporters.avatar.avatar_files import avatar_files, avatar_provenance, check_avatar
from mien_exporters.avatar.avatar_run import AVATAR_RECORD, AvatarRun, read_avatar_run
from mien_exporters.avatar.volume.volume_files import (
    check_volume,
    volume_files,
    volume_provenance,
)
from mien_exporters.avatar.volume.volume_run import VOLUME_RECORD, VolumeRun, read_volume_run
from mien_exporters.detail.detail_files import detail_files
from mien_exporters.detail.detail_glb import with_detail
from mien_exporters.detail.detail_run import DETAIL_RECORD, DetailRun, read_detail_run
from mien_exporters.gltf import rig_to_glb, with_clips
from mien_exporters.gltf_mesh import drop_still_shapes
from mien_exporters.run_folder import RECORD, read_animator_run

__all__ = ["ExportConfig", "build_character", "character_id", "export_runs", "run"]


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
    glb: bytes | None = None,
    detail: DetailRun | None = None,
    detail_map_size: int | None = 256,
    avatar: AvatarRun | None = None,
    allow_bake_loss: bool = False,
    volume: VolumeRun | None = None,
) -> Path:
    """Write a character package that `mien verify` passes; returns its path.

    `channels` name the animator's outputs, in order; the rig's moving shapes must have the same
    names (shapes that move nothing are left out of the GLB). `features` name the groups of its
    input. `clips` go in twice: as animations of the GLB for engines, as clips/NAME.npz for hosts.
    `glb`, if given, is the file that `rig` was read from, and is taken over. `detail` puts in the
    rig's skin detail, with a network for blended maps of `detail_map_size` texels (None: without).
    `avatar` puts in the rig's photoreal avatar of splats, `volume` that as a volume;
    `allow_bake_loss` lets the splats' maps lose more than 0.1 dB. The rig's joints must be those of
    every character (`mien.rig.JOINT_NAMES`). The same
    input gives the same bytes.
    Raises ChannelError, InputError or PackageError before anything is written.
    """
    rig = drop_still_shapes(rig)
    if set(channels) != set(rig.shape_names):
        raise ChannelError(
            f"rig {rig.name!r}: its moving shapes are not the animator's channels (only the rig "
            f"has: {', '.join(sorted(set(rig.shape_names) - set(channels))) or 'none'}; only the "
            f"animator: {', '.join(sorted(set(channels) - set(rig.shape_names))) or 'none'})"
        )
    signature = read_signature(animator_onnx, ANIMATOR)
    name = rig.name if name is None else name
    rig = replace(rig, name=name)
    glb = rig_to_glb(rig, clips) if glb is None else with_clips(glb, rig, clips or {})
    files, entry, models = {ANIMATOR: animator_onnx}, None, {ANIMATOR: signature}
    made: dict[str, bytes] = {}
    if detail is not None:
        _check_same_person(detail, rig)
        if detail.skin is not None:
            own = tuple(
                replace(m, base_color=detail.skin) if m.name == "skin" else m for m in rig.materials
            )
            glb = rig_to_glb(replace(rig, materials=own), clips)
        made, entry = detail_files(detail, channels, detail_map_size)
        files |= made
        models |= {n: read_signature(data, n) for n, data in made.items() if n.endswith(".onnx")}
        glb = with_detail(glb, detail, entry, channels, made[entry.find("static", "normal").file])
    avatars: tuple[Avatar, ...] = ()
    drawn: dict[str, bytes] = {}
    if avatar is not None:
        check_avatar(avatar, rig, consent, allow_bake_loss)
        more, splats_entry = avatar_files(avatar, channels, name)
        drawn, avatars = drawn | more, (*avatars, splats_entry)
    if volume is not None:
        check_volume(volume, rig, consent)
        more, volume_entry = volume_files(volume, channels, name)
        drawn, avatars = drawn | more, (*avatars, volume_entry)
    files, made = files | drawn, made | drawn
    models |= {n: read_signature(data, n) for n, data in drawn.items() if n.endswith(".onnx")}
    files[CHARACTER] = glb
    if preview_png is not None:
        files["preview.png"] = preview_png
    for clip_name, clip in (clips or {}).items():
        files[f"clips/{clip_name}.npz"] = _npz(clip)
    manifest = Manifest(
        name=name,
        id=character_id(name, glb, animator_onnx, *(made[n] for n in sorted(made))),
        licence=licence,
        consent=consent,
        channels=channels,
        features=features,
        feature_size=FeatureLayout(features).size,
        rate_hz=rate_hz,
        models=models,
        detail=entry,
        avatars=avatars,
        provenance=provenance or {},
    )
    return write_package(out_path, manifest, files)


_SAME_M = 1e-4
"""Rigs pass through files in single precision, and shapes' negligible parts are dropped."""


def _check_same_person(detail: DetailRun, rig: Rig) -> None:
    """Raises InputError for skin detail of another mesh or of another person."""
    if detail.vertices.shape != rig.vertices.shape:
        raise InputError(
            f"detail of {detail.name!r}: its rig has {len(detail.vertices)} vertices, that of "
            f"{rig.name!r} {len(rig.vertices)}; expected the detail of the same rig"
        )
    apart = float(np.abs(detail.vertices - rig.vertices).max())
    if apart > _SAME_M:
        raise InputError(
            f"detail of {detail.name!r}: its rig's neutral is up to {1000 * apart:.1f} mm from "
            f"that of {rig.name!r}; expected the detail of the same rig"
        )


def character_id(name: str, *content: bytes) -> str:
    """A readable, stable identifier: the name in plain letters, and a hash of the content."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "character"
    return f"{plain}-{hashlib.sha256(b''.join(content)).hexdigest()[:12]}"


def _npz(clip: Clip) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.npz")
        clip.write(path)
        return path.read_bytes()


@dataclass(frozen=True)
class ExportConfig:
    """Build a character package from the folders of finished training runs."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders that `mien train animator` wrote and, for wrinkles, `mien train detail`; for a
    photoreal avatar `mien train avatar`."""
    out: Path
    """The .mien file to write."""
    name: str | None = None
    """Name of the character, if not the run's."""
    clips: tuple[Path, ...] = ()
    """Recordings (.csv, .npz) to put in, each under its file's name."""
    detail_map: Literal["256", "512", "none"] = "256"
    """Side of the blended map that detail_map.onnx gives hosts without a shader of their own."""
    allow_bake_loss: bool = False
    """Take an avatar whose linear maps lose more than 0.1 dB against its trained network."""
    json: bool = False
    """Print one JSON object on stdout and nothing else there."""


def run(config: ExportConfig) -> int:
    """`export_runs`, and say what is in the package."""
    report = export_runs(config)
    if config.json:
        print(json.dumps(report))
    else:
        print(
            f"{report['out']}: {report['name']}, {report['channels']} channels, "
            f"{report['bytes']:,} bytes"
        )
    return 0


def export_runs(config: ExportConfig) -> dict[str, Any]:
    """Read the runs, write the package; what was written, as plain values. Prints nothing."""
    details = [path for path in config.runs if (path / DETAIL_RECORD).exists()]
    records = (AVATAR_RECORD, VOLUME_RECORD)
    avatars = [p for p in config.runs if any((p / record).exists() for record in records)]
    runs = [path for path in config.runs if path not in (*details, *avatars)]
    unfinished = [path for path in runs if not (path / RECORD).exists()]
    if unfinished and len(runs) > 1:
        raise InputError(
            f"{unfinished[0]}: not finished: none of {RECORD}, {DETAIL_RECORD}, {AVATAR_RECORD} "
            f"and {VOLUME_RECORD} is there; call its `mien train` again, which goes on where it was"
        )
    if len(runs) != 1 or len(details) > 1 or len(avatars) > 1:
        raise InputError(
            f"{len(runs)} runs of an animator, {len(details)} of detail and {len(avatars)} of an "
            "avatar given, expected the folder of one `mien train animator`, and of at most one "
            "`mien train detail` and one `mien train avatar`"
        )
    detail = read_detail_run(details[0]) if details else None
    avatar, volume = _avatar_runs(avatars[0]) if avatars else (None, None)
    if config.out.suffix != ".mien":
        raise InputError(f"--out is {str(config.out)!r}, expected a name ending in .mien")
    clips = {path.stem: Clip.read(path) for path in config.clips}
    if len(clips) != len(config.clips):
        raise InputError("two of the clips have the same file name, expected them to differ")
    source = read_animator_run(runs[0])
    name = source.name if config.name is None else config.name
    path = build_character(
        config.out,
        source.rig,
        source.animator_onnx,
        channels=source.channels,
        features=source.features,
        licence=source.licence,
        consent=source.consent,
        rate_hz=source.rate_hz,
        name=name,
        provenance={
            "mien": __version__,
            "animator": dict(source.provenance),
            **({} if detail is None else {"detail": dict(detail.provenance)}),
            **({} if avatar is None else {"avatar": avatar_provenance(avatar)}),
            **({} if volume is None else {"volume": volume_provenance(volume)}),
        },
        preview_png=source.preview_png,
        clips=clips,
        glb=source.glb,
        detail=detail,
        detail_map_size=None if config.detail_map == "none" else int(config.detail_map),
        avatar=avatar,
        allow_bake_loss=config.allow_bake_loss,
        volume=volume,
    )
    return {
        "out": str(path),
        "name": name,
        "bytes": path.stat().st_size,
        "channels": len(source.channels),
        "clips": sorted(clips),
        "wrinkle_regions": 0 if detail is None else len(detail.region_names),
        "gaussians": 0 if avatar is None else len(avatar.anchor),
        "volume_anchors": 0 if volume is None else len(volume.model),
    }


def _avatar_runs(folder: Path) -> tuple[AvatarRun | None, VolumeRun | None]:
    """Raises InputError for a folder whose training was stopped between the files of its kinds."""
    avatar = read_avatar_run(folder) if (folder / AVATAR_RECORD).exists() else None
    volume = read_volume_run(folder) if (folder / VOLUME_RECORD).exists() else None
    found = [each for each in (avatar, volume) if each is not None]
    trained = [each.provenance.get("config") for each in found]
    both = any(isinstance(config, dict) and config.get("kind") == "both" for config in trained)
    if len(found) < both + 1 or len({each.consent for each in found}) > 1:
        raise InputError(
            f"{folder}: not finished: it was to hold splats and a volume of one training; call "
            "`mien train avatar` again, which goes on where it was"
        )
    return avatar, volume
