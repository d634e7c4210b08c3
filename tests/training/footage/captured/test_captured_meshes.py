"""Laws of captured meshes: frames agree, nonsense is refused."""

from dataclasses import replace

import numpy as np
import pytest
from support.captured import captured_meshes

from mien.errors import InputError


def test_in_head_undoes_the_rigid_motion() -> None:
    meshes = captured_meshes(moments=3, vertices=7)
    again = np.einsum("tij,tvj->tvi", meshes.world_from_head[:, :3, :3], meshes.in_head())
    again += meshes.world_from_head[:, None, :3, 3]
    np.testing.assert_allclose(again, meshes.vertices, atol=1e-6)


def test_some_of_the_moments_are_those_moments() -> None:
    meshes = captured_meshes(moments=4, vertices=5, failure=("", "lost", "", ""))
    some = meshes.take(meshes.good)
    assert len(some) == 3 and some.failure == ("", "", "")
    np.testing.assert_array_equal(some.vertices, meshes.vertices[[0, 2, 3]])
    np.testing.assert_array_equal(some.frame, meshes.frame[[0, 2, 3]])
    np.testing.assert_array_equal(meshes.take(slice(1, 2)).vertices, meshes.vertices[1:2])


@pytest.mark.parametrize("field", ["frame", "confidence", "views", "spread_m", "world_from_head"])
def test_arrays_of_other_sizes_are_refused(field: str) -> None:
    meshes = captured_meshes(moments=3, vertices=5)
    with pytest.raises(InputError, match=field):
        replace(meshes, **{field: getattr(meshes, field)[:2]})


def test_what_no_capture_leaves_is_refused() -> None:
    meshes = captured_meshes(moments=3, vertices=5)
    with pytest.raises(InputError, match="rotations"):
        replace(meshes, world_from_head=2 * meshes.world_from_head)
    with pytest.raises(InputError, match="finite"):
        replace(meshes, vertices=np.full_like(meshes.vertices, np.nan))
    with pytest.raises(InputError, match="decrease"):
        replace(meshes, time_s=meshes.time_s[::-1].copy())
    with pytest.raises(InputError, match="3"):
        replace(meshes, failure=("",))
