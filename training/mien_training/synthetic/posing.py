"""Where a synthetic person is in one frame: skin, skull and hair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mien.deform import blend, pose_from_head, skin
from mien.rig import Rig
from mien.rotation import matrix_from_quaternion, quaternion_from_angles
from mien_training.rendering.scene.scene_mesh import PlacedMesh
from mien_training.synthetic.hair import StrandHair

__all__ = ["PosedPerson", "head_matrices", "pose_person"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PosedPerson:
    """One moment."""

    vertices: Float32Array
    """(V', 3) of the rig (split at UV seams), world, metres."""
    world_from_head: Float64Array
    """(4, 4) rigid motion of the skull, metres."""
    placed: tuple[PlacedMesh, ...]
    """What is drawn besides the head: the hair, if there is any."""


class _Person(Protocol):
    """What posing needs of somebody."""

    @property
    def rig(self) -> Rig: ...

    @property
    def source(self) -> NDArray[np.int32]: ...

    @property
    def hair(self) -> StrandHair | None: ...


def pose_person(
    person: _Person,
    weights: Float32Array,
    angles: Float64Array,
    world_from_head: Float64Array | None = None,
    bend_neck: bool = True,
) -> PosedPerson:
    """The person with (K,) weights in the rig's order and yaw, pitch, roll (3,) in radians.

    `bend_neck`: neck and head share the turn and the shoulders stay; otherwise the whole mesh is
    rigid. `world_from_head`: `head_matrices` of these angles, if known already.
    """
    rig = person.rig
    if world_from_head is None:
        world_from_head = head_matrices(rig, angles[None])[0]
    vertices = rest = blend(rig, weights)
    if bend_neck:
        vertices = skin(rig, rest, pose_from_head(rig, quaternion_from_angles(angles)))
    else:
        turned = rest @ world_from_head[:3, :3].T + world_from_head[:3, 3]
        vertices = turned.astype(np.float32)
    placed: tuple[PlacedMesh, ...] = ()
    if person.hair is not None:
        moved = np.zeros((int(person.source.max()) + 1, 3), np.float32)
        moved[person.source] = rest - rig.vertices
        placed = (person.hair.place(moved, world_from_head),)
    return PosedPerson(vertices, world_from_head, placed)


def head_matrices(rig: Rig, angles: Float64Array) -> Float64Array:
    """(T, 4, 4) world_from_head for (T, 3) yaw, pitch, roll: the head joint of `pose_from_head`."""
    whole = quaternion_from_angles(angles)
    poses = [pose_from_head(rig, q).rotations_xyzw[rig.joint_index["neck"]] for q in whole]
    bend = matrix_from_quaternion(np.stack(poses))
    turn = matrix_from_quaternion(whole)
    neck, head = (np.array(rig.joints[rig.joint_index[n]].position) for n in ("neck", "head"))
    matrices = np.tile(np.eye(4), (len(whole), 1, 1))
    matrices[:, :3, :3] = turn
    matrices[:, :3, 3] = bend @ (head - neck) + neck - turn @ head
    return matrices
