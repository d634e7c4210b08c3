import dataclasses

import numpy as np
import pytest
from support.small_rig import SMALL_SHAPES, small_rig

from mien.deform import pose_from_head
from mien.errors import ChannelError, InputError
from mien.rig import JOINT_NAMES

RIG = small_rig(rings=4, columns=5)


def test_names_find_their_rows():
    assert [RIG.shape_index[name] for name in SMALL_SHAPES] == list(range(len(SMALL_SHAPES)))
    assert RIG.joints[RIG.joint_index["leftEye"]].name == "leftEye"


def test_welding_joins_the_seam_and_nothing_else():
    grid = np.arange(4 * 6).reshape(4, 6)
    expected = grid.copy()
    expected[:, -1] = grid[:, 0]
    np.testing.assert_array_equal(RIG.welded, expected.ravel())


def test_vertices_that_a_shape_parts_are_not_welded():
    deltas = RIG.shape_deltas.copy()
    deltas[0, 5] += 0.001  # the seam's last vertex of the first ring
    assert dataclasses.replace(RIG, shape_deltas=deltas).welded[5] == 5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"normals": np.zeros((3, 3), np.float32)}, InputError, "normals has shape"),
        ({"shape_names": ("a",) * len(SMALL_SHAPES)}, ChannelError, "not unique"),
        ({"shape_names": ("a",)}, InputError, "shape_deltas has shape"),
        ({"triangles": RIG.triangles + 1}, InputError, "triangles index outside"),
        ({"triangles": RIG.triangles - 1}, InputError, "triangles index outside"),
        ({"triangle_material": RIG.triangle_material + 1}, InputError, "materials"),
        ({"joint_indices": RIG.joint_indices + 3}, InputError, "joints"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        dataclasses.replace(RIG, **change)


def test_arrays_become_the_types_that_the_fields_say():
    wide = dataclasses.replace(
        RIG,
        vertices=RIG.vertices.astype(np.float64),
        shape_deltas=RIG.shape_deltas.astype(np.float16),
        triangles=RIG.triangles.astype(np.int64),
        joint_indices=RIG.joint_indices.astype(np.int32),
    )
    for field in dataclasses.fields(RIG):
        value, expected = getattr(wide, field.name), getattr(RIG, field.name)
        if isinstance(expected, np.ndarray):
            assert value.dtype == expected.dtype, field.name
    np.testing.assert_array_equal(wide.vertices, RIG.vertices)
    assert dataclasses.replace(RIG).vertices is RIG.vertices  # what fits is not copied


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"triangles": RIG.triangles.astype(np.float32)}, "triangles is float32, expected int"),
        ({"vertices": RIG.vertices.astype(np.int64)}, "vertices is int64, expected floating"),
        ({"joint_indices": RIG.joint_indices.astype(np.int32) + 256}, "outside 0 to 255"),
        ({"triangles": RIG.triangles.astype(np.int64) + 2**32}, "triangles has indices outside"),
    ],
)
def test_values_that_a_conversion_would_change_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(RIG, **change)


def renamed(*names):
    joints = tuple(
        dataclasses.replace(joint, name=name) for joint, name in zip(RIG.joints, names, strict=True)
    )
    return dataclasses.replace(RIG, joints=joints)


@pytest.mark.parametrize(
    "names",
    [
        JOINT_NAMES,
        ("Root", "Neck", "Head", "LeftEye", "RightEye"),
        ("mixamorig:Root", "mixamorig:Neck", "mixamorig:Head", "mixamorig:eye_L", "Eye.R"),
        ("root", "neck_01", "head", "eye_left", "eye_right"),
    ],
)
def test_joints_are_found_by_their_role(names):
    rig = renamed(*names)
    assert [rig.find_joint(role) for role in JOINT_NAMES] == list(range(5))


def test_a_rig_without_the_joint_says_which_it_has():
    rig = renamed("a", "b", "c", "d", "e")
    with pytest.raises(InputError, match="no joint for 'neck'; its joints are a, b, c, d, e"):
        rig.find_joint("neck")
    with pytest.raises(InputError, match="no joint for 'neck'"):
        pose_from_head(rig, [0, 0, 0, 1])
