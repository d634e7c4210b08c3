"""A rig's mesh, morph targets, skeleton and materials as glTF objects."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray
from PIL import Image

from mien.errors import ChannelError, InputError
from mien.rig import Material, Rig
from mien_exporters.gltf_buffers import BufferBuilder

__all__ = [
    "MAX_TARGETS",
    "canonical_rig",
    "check_shape_names",
    "drop_still_shapes",
    "still_shapes",
]

MAX_TARGETS = 255
"""Filament stops at 256."""

_MAX_NAME = 63
"""Unreal's and Godot's paths get unwieldy beyond; Blender cuts names at 63 bytes."""

NEGLIGIBLE_M = 1e-6
"""Displacements up to here are 0 in a GLB. Most vertices of most heads have such in most shapes:
rounding of the data they were made from. In a 4K close-up of a face 1 µm is 0.01 pixels."""

_NEGLIGIBLE_NORMAL = 1e-4
"""The same for changes of unit normals: 0.006 degrees, an eightieth of a step of 8-bit normals."""

_WEIGHT_TOLERANCE = 1e-3
_UNIT_TOLERANCE = 5e-3


def check_shape_names(names: tuple[str, ...]) -> None:
    """Refuse names that an engine would cut, merge or drop.

    ASCII letters, digits, '_', '-' and spaces inside, at most 63 characters, unique without regard
    to case (Unreal's FName has none), at most 255 in all. Raises ChannelError.
    """
    if len(names) > MAX_TARGETS:
        raise ChannelError(f"{len(names)} blendshapes, but glTF readers take {MAX_TARGETS} at most")
    seen: dict[str, str] = {}
    for name in names:
        plain = name.replace("_", "a").replace("-", "a").replace(" ", "a")
        if (
            not (name.isascii() and plain.isalnum() and len(name) <= _MAX_NAME)
            or name != name.strip()
        ):
            raise ChannelError(
                f"blendshape name {name!r}: expected 1 to {_MAX_NAME} ASCII letters, digits, "
                "'_', '-' or inner spaces (engines use it in animation paths)"
            )
        if name.lower() in seen:
            raise ChannelError(
                f"blendshape names {seen[name.lower()]!r} and {name!r} differ only by case, "
                "which Unreal does not tell apart"
            )
        seen[name.lower()] = name


def still_shapes(rig: Rig) -> tuple[str, ...]:
    """Names of the shapes that move no vertex by more than NEGLIGIBLE_M."""
    return tuple(
        name
        for name, deltas in zip(rig.shape_names, rig.shape_deltas, strict=True)
        if not _is_moved(deltas, NEGLIGIBLE_M).any()
    )


def _is_moved(deltas: NDArray[np.float32], negligible: float) -> NDArray[np.bool_]:
    """(..., V) whether the length of deltas (..., V, 3) is above `negligible`; NaN counts."""
    square = np.einsum("...x,...x->...", deltas, deltas, dtype=np.float64)
    return np.asarray(~(square <= negligible**2))


def _without_negligible(deltas: NDArray[np.float32], negligible: float) -> NDArray[np.float32]:
    return np.where(_is_moved(deltas, negligible)[..., None], deltas, np.float32(0))


def drop_still_shapes(rig: Rig) -> Rig:
    """The rig without the shapes that move nothing: importers drop such targets, some silently."""
    still = still_shapes(rig)
    if not still:
        return rig
    names = tuple(name for name in rig.shape_names if name not in still)
    rows = [rig.shape_index[name] for name in names]
    return replace(rig, shape_names=names, shape_deltas=rig.shape_deltas[rows])


def canonical_rig(rig: Rig) -> Rig:
    """The same rig in the one form that survives a GLB bit for bit.

    Triangles grouped by material (one primitive each), joint positions rounded to float32, joints
    of zero weight set to 0, joint weights summing to 1 within float32, normals of unit length,
    displacements up to NEGLIGIBLE_M set to 0.
    Applying it twice changes nothing more. Raises InputError where a rig is beyond that.
    """
    _check_finite(rig)
    if len(rig.triangles) == 0:
        raise InputError(f"rig {rig.name!r}: has no triangles, so there is nothing to export")
    order = np.argsort(rig.triangle_material, kind="stable")
    weights = rig.joint_weights.astype(np.float64)
    total = weights.sum(axis=1, keepdims=True)
    if (weights < 0).any() or (np.abs(total - 1) > _WEIGHT_TOLERANCE).any():
        worst = int(np.abs(total - 1).argmax())
        raise InputError(
            f"rig {rig.name!r}: joint_weights of vertex {worst} sum to "
            f"{float(total[worst, 0]):.4f}, expected 1 and none negative"
        )
    # Validators allow 2e-7 for each weight; rows within stay as they are, bit for bit.
    off = np.abs(total[:, 0] - 1) > 1e-7
    joint_weights = rig.joint_weights.copy()
    joint_weights[off] = (weights[off] / total[off]).astype(np.float32)
    length = np.linalg.norm(rig.normals.astype(np.float64), axis=1)
    if (np.abs(length - 1) > _UNIT_TOLERANCE).any():
        worst = int(np.abs(length - 1).argmax())
        raise InputError(
            f"rig {rig.name!r}: the normal of vertex {worst} has length {length[worst]:.4f}, "
            "expected 1"
        )
    return replace(
        rig,
        vertices=_as_float32(rig.vertices),
        normals=_as_float32(rig.normals),
        uvs=_as_float32(rig.uvs),
        shape_deltas=_without_negligible(_as_float32(rig.shape_deltas), NEGLIGIBLE_M),
        triangles=rig.triangles[order],
        triangle_material=rig.triangle_material[order],
        joints=tuple(replace(j, position=_rounded(j.position)) for j in rig.joints),
        joint_indices=np.where(joint_weights > 0, rig.joint_indices, 0).astype(np.uint8),
        joint_weights=joint_weights,
    )


def _rounded(xyz: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = (float(np.float32(value)) for value in xyz)
    return x, y, z


def _as_float32(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)


def _check_finite(rig: Rig) -> None:
    for field in ("vertices", "normals", "uvs", "shape_deltas", "joint_weights"):
        if not np.isfinite(getattr(rig, field)).all():
            raise InputError(f"rig {rig.name!r}: {field} holds NaN or infinity")


def add_materials(
    document: gltf.GLTF2, buffers: BufferBuilder, materials: tuple[Material, ...]
) -> None:
    """One glTF material each, metallic 0, textures as PNG inside the buffer."""
    for material in materials:
        texture = None
        if material.base_color is not None:
            texture = gltf.TextureInfo(index=_add_texture(document, buffers, material))
        document.materials.append(
            gltf.Material(
                name=material.name,
                pbrMetallicRoughness=gltf.PbrMetallicRoughness(
                    baseColorFactor=[*(float(c) for c in material.color), 1.0],
                    baseColorTexture=texture,
                    metallicFactor=0.0,
                    roughnessFactor=float(material.roughness),
                ),
                # A cut-out needs no sorting, which engines do per mesh and get wrong in hair.
                alphaMode="MASK" if _has_alpha(material) else "OPAQUE",
                alphaCutoff=0.5 if _has_alpha(material) else None,
            )
        )


def _has_alpha(material: Material) -> bool:
    return material.base_color is not None and material.base_color.shape[2] == 4


def _add_texture(document: gltf.GLTF2, buffers: BufferBuilder, material: Material) -> int:
    pixels = material.base_color
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or not pixels.size:
        shape = None if pixels is None else pixels.shape
        raise InputError(
            f"material {material.name!r}: base_color has shape {shape}, expected (H, W, 3 or 4)"
        )
    png = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(png, "PNG", compress_level=6)
    if not document.samplers:
        document.samplers.append(
            gltf.Sampler(magFilter=9729, minFilter=9987, wrapS=10497, wrapT=10497)
        )
    document.images.append(
        gltf.Image(
            name=material.name, mimeType="image/png", bufferView=buffers.view(png.getvalue())
        )
    )
    document.textures.append(gltf.Texture(sampler=0, source=len(document.images) - 1))
    return len(document.textures) - 1


def add_skeleton(document: gltf.GLTF2, buffers: BufferBuilder, rig: Rig) -> list[int]:
    """Nodes for the joints (unrotated at rest), and the skin; the joints' node indices."""
    first = len(document.nodes)
    positions = np.array([joint.position for joint in rig.joints], np.float32)
    for i, joint in enumerate(rig.joints):
        if joint.parent >= i:
            raise InputError(f"rig {rig.name!r}: joint {joint.name!r} comes before its parent")
        origin = positions[joint.parent] if joint.parent >= 0 else np.zeros(3, np.float32)
        offset = [float(x) for x in positions[i] - origin]
        children = [first + k for k, other in enumerate(rig.joints) if other.parent == i]
        document.nodes.append(
            gltf.Node(name=joint.name, translation=offset, children=children or None)
        )
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(rig.joints), 1, 1))
    matrices[:, 3, :3] = np.float32(0) - positions  # column-major: row 3 is the translation
    roots = [i for i, joint in enumerate(rig.joints) if joint.parent < 0]
    if len(roots) != 1:
        raise InputError(f"rig {rig.name!r}: has {len(roots)} root joints, expected 1")
    nodes = [first + i for i in range(len(rig.joints))]
    document.skins.append(
        gltf.Skin(
            name=rig.name,
            joints=nodes,
            skeleton=first + roots[0],
            inverseBindMatrices=buffers.values(matrices),
        )
    )
    return nodes


def add_mesh(
    document: gltf.GLTF2,
    buffers: BufferBuilder,
    rig: Rig,
    normal_deltas: NDArray[np.float32] | None,
) -> None:
    """The mesh: one primitive per material, all on the same vertex and target accessors.

    Engines then make one object with sub-meshes of it, and each morph target exists once.
    `normal_deltas` (K, V, 3), or None for a smaller file without.
    """
    attributes = gltf.Attributes(
        POSITION=buffers.vertices(rig.vertices, bounds=True),
        NORMAL=buffers.vertices(rig.normals),
        TEXCOORD_0=buffers.vertices(rig.uvs),
        JOINTS_0=buffers.vertices(rig.joint_indices),
        WEIGHTS_0=buffers.vertices(rig.joint_weights),
    )
    targets = []
    for k in range(len(rig.shape_names)):
        target = {"POSITION": buffers.deltas(rig.shape_deltas[k], bounds=True)}
        if normal_deltas is not None:
            changes = _without_negligible(normal_deltas[k], _NEGLIGIBLE_NORMAL)
            target["NORMAL"] = buffers.deltas(changes, bounds=False)
        targets.append(gltf.Attributes(**target))
    index_type = np.uint16 if len(rig.vertices) <= 65535 else np.uint32
    primitives = [
        gltf.Primitive(
            attributes=attributes,
            indices=buffers.indices(
                rig.triangles[rig.triangle_material == material].ravel().astype(index_type)
            ),
            material=int(material),
            targets=targets,
        )
        for material in np.unique(rig.triangle_material)
    ]
    document.meshes.append(
        gltf.Mesh(
            name=rig.name,
            primitives=primitives,
            weights=[0.0] * len(targets),
            extras={"targetNames": list(rig.shape_names)} if targets else {},
        )
    )
