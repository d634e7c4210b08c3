import dataclasses

import numpy as np
import pytest
from support.small_rig import SMALL_SHAPES, small_rig

from mien.errors import ChannelError, InputError

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
