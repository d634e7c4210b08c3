"""A template and a person become a Rig: vertices split at UV seams, materials attached."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien.errors import InputError
from mien.rig import Joint, Material, Rig
from mien_training.head.template import MATERIALS, Template

__all__ = ["rig_from_template", "rig_vertex_of_template"]


def rig_from_template(
    template: Template,
    name: str,
    identity: NDArray[np.float32] | None = None,
    materials: tuple[Material, ...] | None = None,
) -> tuple[Rig, NDArray[np.int32]]:
    """The rig, and the (V',) template vertex that each of its vertices came from.

    `identity` is a (V, 3) displacement of the template's neutral, metres; `materials` are one per
    entry of MATERIALS (plain ones if left out). Joints keep the template's places moved by the
    identity's displacement near them. Raises InputError for other shapes.
    """
    vertices = template.vertices
    if identity is not None:
        if identity.shape != vertices.shape:
            raise InputError(
                f"rig_from_template: identity {identity.shape}, template {template.name!r} has "
                f"{vertices.shape}"
            )
        vertices = (vertices + identity).astype(np.float32)
    if materials is None:
        materials = tuple(Material(m) for m in MATERIALS)
    if len(materials) != len(MATERIALS):
        raise InputError(f"rig_from_template: {len(materials)} materials, expected {MATERIALS}")
    pairs = np.stack([template.triangles.ravel(), template.uv_triangles.ravel()], 1)
    corners, inverse = np.unique(pairs, axis=0, return_inverse=True)
    source = corners[:, 0].astype(np.int32)
    order = np.argsort(-template.joint_weights, axis=1, kind="stable")[:, :4]
    weights = np.take_along_axis(template.joint_weights, order, 1)
    weights = weights / weights.sum(1, keepdims=True)
    rig = Rig(
        name=name,
        vertices=vertices[source],
        normals=vertex_normals(vertices, template.triangles)[source],
        uvs=template.uvs[corners[:, 1]],
        triangles=inverse.reshape(-1, 3).astype(np.int32),
        triangle_material=template.triangle_material,
        materials=materials,
        shape_names=template.shape_names,
        shape_deltas=np.ascontiguousarray(template.shape_deltas[:, source]),
        joints=_joints_of(template, vertices),
        joint_indices=order[source].astype(np.uint8),
        joint_weights=weights[source].astype(np.float32),
    )
    return rig, source


def rig_vertex_of_template(source: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """(V,) the first of the rig's vertices that came from each of `count` template vertices, -1
    where none did; source: (V',) as `rig_from_template` gives it."""
    first = np.full(count, -1, np.int32)
    first[source[::-1]] = np.arange(len(source), dtype=np.int32)[::-1]
    return first


def _joints_of(template: Template, vertices: NDArray[np.float32]) -> tuple[Joint, ...]:
    """Joints of this person: each eye's joint moves with the vertices that hang on it."""
    joints = []
    for index, joint in enumerate(template.joints):
        hung = template.joint_weights[:, index] > 0.5
        shift = np.zeros(3)
        if joint.name in ("leftEye", "rightEye") and hung.any():
            shift = (vertices[hung] - template.vertices[hung]).mean(0)
        x, y, z = (float(p + s) for p, s in zip(joint.position, shift, strict=True))
        joints.append(Joint(joint.name, joint.parent, (x, y, z)))
    return tuple(joints)
