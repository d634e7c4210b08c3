"""One person's rig: neutral mesh, named blendshapes, joints and materials, as plain arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import ChannelError, InputError

__all__ = ["JOINT_NAMES", "Joint", "Material", "Rig"]

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]

JOINT_NAMES = ("head_root", "neck", "head", "leftEye", "rightEye")
"""The skeleton of every rig, parents before children. Left and right are the character's own."""


_ROLE_SPELLINGS = {
    "head_root": ("headroot", "root"),
    "neck": ("neck1", "neck01"),
    "head": ("head1", "head01"),
    "leftEye": ("eyeleft", "eyel", "leye"),
    "rightEye": ("eyeright", "eyer", "reye"),
}
"""How tools spell the roles: lower case, without a prefix and without signs."""

_DTYPES: dict[str, type[np.generic]] = {
    "vertices": np.float32,
    "normals": np.float32,
    "uvs": np.float32,
    "triangles": np.int32,
    "triangle_material": np.int32,
    "shape_deltas": np.float32,
    "joint_indices": np.uint8,
    "joint_weights": np.float32,
}


@dataclass(frozen=True)
class Joint:
    """A joint, unrotated at rest."""

    name: str
    parent: int
    """Index of the parent joint in `Rig.joints`; -1 for the root."""
    position: tuple[float, float, float]
    """Rest position in rig space, metres."""


@dataclass(frozen=True, eq=False)
class Material:
    """How a group of triangles looks. Textures are 8-bit sRGB images, row 0 at the top (v = 0)."""

    name: str
    base_color: NDArray[np.uint8] | None = None
    """(H, W, 3) or (H, W, 4) sRGB texture; None for a plain `color`."""
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Linear RGB factor in [0, 1], multiplied with the texture."""
    roughness: float = 0.5
    """Perceptual roughness in [0, 1], as glTF's metallic-roughness model has it (metallic = 0)."""


@dataclass(frozen=True, eq=False)
class Rig:
    """Neutral mesh, blendshapes, joints.

    Rig space: metres, right-handed, +Y up, the face looks along +Z, origin at `head_root` (the
    base of the neck). Vertices are split where UVs have a seam, so every array is per vertex.

    Arrays become float32, int32 or uint8 as the fields say; other floats and integers are
    converted. Raises InputError for shapes that do not fit, values of another kind (floats as
    indices) and indices out of range, ChannelError for duplicate blendshape names.

    >>> rig = mien.load(SPHERE).rig
    >>> rig.vertices.shape, rig.shape_names
    ((45, 3), ('jawOpen', 'mouthSmileLeft', 'browInnerUp'))
    """

    name: str
    vertices: Float32Array
    """(V, 3) neutral positions, metres, rig space."""
    normals: Float32Array
    """(V, 3) unit normals of the neutral mesh, rig space."""
    uvs: Float32Array
    """(V, 2) texture coordinates, glTF convention: (0, 0) is the upper left corner."""
    triangles: Int32Array
    """(F, 3) vertex indices, counter-clockwise seen from outside."""
    triangle_material: Int32Array
    """(F,) index into `materials`."""
    materials: tuple[Material, ...]
    shape_names: tuple[str, ...]
    """K blendshape names."""
    shape_deltas: Float32Array
    """(K, V, 3) displacement at weight 1, metres, rig space."""
    joints: tuple[Joint, ...]
    joint_indices: NDArray[np.uint8]
    """(V, 4) joints that carry each vertex."""
    joint_weights: Float32Array
    """(V, 4) their weights, summing to 1."""

    def __post_init__(self) -> None:
        for field, dtype in _DTYPES.items():
            object.__setattr__(self, field, self._converted(field, dtype))
        v, f, k = len(self.vertices), len(self.triangles), len(self.shape_names)
        shapes: dict[str, tuple[NDArray[Any], tuple[int, ...]]] = {
            "vertices": (self.vertices, (v, 3)),
            "normals": (self.normals, (v, 3)),
            "uvs": (self.uvs, (v, 2)),
            "triangles": (self.triangles, (f, 3)),
            "triangle_material": (self.triangle_material, (f,)),
            "shape_deltas": (self.shape_deltas, (k, v, 3)),
            "joint_indices": (self.joint_indices, (v, 4)),
            "joint_weights": (self.joint_weights, (v, 4)),
        }
        for field, (array, expected) in shapes.items():
            if array.shape != expected:
                raise InputError(
                    f"rig {self.name!r}: {field} has shape {array.shape}, expected {expected}"
                )
        if len(set(self.shape_names)) != k:
            raise ChannelError(f"rig {self.name!r}: blendshape names are not unique")
        if f and not 0 <= int(self.triangles.min()) <= int(self.triangles.max()) < v:
            raise InputError(f"rig {self.name!r}: triangles index outside the {v} vertices")
        if f and not 0 <= int(self.triangle_material.min()) <= int(
            self.triangle_material.max()
        ) < len(self.materials):
            raise InputError(
                f"rig {self.name!r}: triangle_material indexes outside the "
                f"{len(self.materials)} materials"
            )
        if v and int(self.joint_indices.max()) >= len(self.joints):
            raise InputError(
                f"rig {self.name!r}: joint_indices reach outside the {len(self.joints)} joints"
            )

    def _converted(self, field: str, dtype: Any) -> NDArray[Any]:
        """The field's array in its type. Raises InputError where that would change its meaning."""
        array = np.asarray(getattr(self, field))
        kind = "iu" if np.issubdtype(dtype, np.integer) else "f"
        if array.size and array.dtype.kind not in kind:
            expected = "integers" if kind == "iu" else "floating point"
            raise InputError(f"rig {self.name!r}: {field} is {array.dtype}, expected {expected}")
        if kind == "iu" and array.size and array.dtype != dtype:
            limits = np.iinfo(dtype)
            if int(array.min()) < limits.min or int(array.max()) > limits.max:
                raise InputError(
                    f"rig {self.name!r}: {field} has indices outside {limits.min} to {limits.max}"
                )
        return array.astype(dtype, copy=False)

    def find_joint(self, role: str) -> int:
        """Index of the joint that plays a role of JOINT_NAMES, under its name or a usual spelling.

        `Neck`, `mixamorig:Head`, `eye_L` are understood. Raises InputError, listing the joints,
        when there is none.

        >>> rig = mien.load(SPHERE).rig
        >>> rig.joints[rig.find_joint("head")].name
        'head'
        """
        if role in self.joint_index:
            return self.joint_index[role]
        spellings = (role.lower(), *_ROLE_SPELLINGS.get(role, ()))
        for index, joint in enumerate(self.joints):
            plain = re.sub(r"[^a-z0-9]", "", joint.name.lower().rpartition(":")[2])
            if plain in spellings:
                return index
        raise InputError(
            f"rig {self.name!r} has no joint for {role!r}; its joints are "
            f"{', '.join(joint.name for joint in self.joints)}"
        )

    @cached_property
    def shape_index(self) -> dict[str, int]:
        """Blendshape name -> row of `shape_deltas`."""
        return {name: i for i, name in enumerate(self.shape_names)}

    @cached_property
    def joint_index(self) -> dict[str, int]:
        """Joint name -> index into `joints`."""
        return {joint.name: i for i, joint in enumerate(self.joints)}

    @cached_property
    def welded(self) -> Int32Array:
        """(V,) first vertex that sits at the same place in neutral and in every shape.

        Vertices that a UV seam split are one again here: normals need that, UVs do not.
        """
        moved = np.concatenate([self.vertices[None], self.shape_deltas]).transpose(1, 0, 2)
        rows = np.ascontiguousarray(moved + 0.0).reshape(len(moved), -1)  # + 0.0: -0.0 is 0.0
        keys = rows.view(np.dtype((np.void, rows[0].nbytes))).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return first[inverse].astype(np.int32)
