"""What a volume hangs on: moves with its mesh, and refuses what does not fit."""

from dataclasses import replace

import numpy as np
import pytest
from support.rigs import sphere_rig
from support.volume_avatars import sphere_volume

from mien.errors import InputError
from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector

RIG = sphere_rig()
MODEL = sphere_volume(RIG).model
TURN = matrix_from_quaternion(quaternion_from_rotation_vector([0.3, -0.5, 0.2]))


def test_anchors_move_with_the_mesh():
    rest, moved = MODEL.pose(RIG.vertices), MODEL.pose(RIG.vertices @ TURN.T + 0.1)
    assert len(MODEL) == len(rest.positions) == len(MODEL.lift_m)
    np.testing.assert_allclose(moved.positions, rest.positions @ TURN.T + 0.1, atol=1e-6)
    np.testing.assert_allclose(moved.rotations, TURN @ rest.rotations, atol=1e-6)
    on_skin = rest.positions[MODEL.chosen]
    above = rest.positions[len(MODEL.anchors.texel) :][: len(MODEL.chosen)]
    np.testing.assert_allclose(np.linalg.norm(above - on_skin, axis=1), 0.01, atol=1e-6)


def test_normals_point_outwards_and_turn_along():
    normals = MODEL.normals(RIG.vertices)
    used = np.unique(MODEL.triangles)
    outwards = RIG.vertices - RIG.vertices.mean(0)
    assert (np.einsum("vi,vi->v", normals, outwards)[used] > 0.05).all()
    turned = MODEL.normals((RIG.vertices @ TURN.T).astype(np.float32))
    np.testing.assert_allclose(turned, normals @ TURN.T, atol=1e-5)


def test_the_heads_motion_is_found():
    moved = RIG.vertices @ TURN.T + [0.1, 0.0, -0.2]
    moved[np.setdiff1d(np.arange(len(moved)), MODEL.still)] += 0.3
    back = MODEL.rigid_motion(moved, RIG.vertices)
    still = MODEL.still
    np.testing.assert_allclose(
        moved[still] @ back[:3, :3].T + back[:3, 3], RIG.vertices[still], atol=1e-6
    )


@pytest.mark.parametrize(("changes", "words"), [
    ({"chosen": np.array([9999])}, "chosen"),
    ({"chosen": np.array([], int)}, "both or neither"),
    ({"offsets_m": np.array([np.nan], np.float32)}, "offsets_m"),
    ({"thickness_m": MODEL.thickness_m[:-1]}, "thickness_m"),
    ({"thickness_m": -MODEL.thickness_m}, "thickness_m"),
    ({"triangles": MODEL.triangles[:, :2]}, r"expected \(F, 3\)"),
    ({"triangles": MODEL.triangles - 5}, "triangles"),
    ({"still": MODEL.still[:2]}, "still has 2 rows, expected at least 3"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        replace(MODEL, **changes)
