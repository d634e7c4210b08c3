"""A reading is kept whole, and its cameras see heads where the crops do."""

import dataclasses

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien.errors import InputError
from mien_training.capture.learning.moment_reading import MomentReading


@pytest.fixture(scope="module")
def reading(seen_head, anny):
    return perfect_reading(anny, seen_head, anny.vertices)


def test_it_is_kept_whole(reading, tmp_path):
    reading.write(tmp_path / "reading.npz")
    back = MomentReading.read(tmp_path / "reading.npz")
    for field in dataclasses.fields(reading):
        np.testing.assert_array_equal(getattr(back, field.name), getattr(reading, field.name))
    (tmp_path / "reading.npz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"reading\.npz"):
        MomentReading.read(tmp_path / "reading.npz")


def test_cameras_see_the_head_s_own_space(reading, seen_head):
    pose = reading.world_from_head
    world = reading.truth @ pose[:3, :3].T + pose[:3, 3]
    np.testing.assert_allclose(world, seen_head.vertices, atol=1e-5)
    cameras = reading.cameras()
    pixels = cameras.pixels(torch.arange(4), torch.from_numpy(reading.truth).expand(4, -1, -1))
    inside = (pixels > 0) & (pixels < reading.side)
    assert float(inside.all(-1).float().mean()) > 0.9
    some = reading.cameras(np.array([2]))
    torch.testing.assert_close(some.intrinsics[0], cameras.intrinsics[2])
    # The same pixels as numpy's camera finds, through the crop and the pose.
    away = np.linalg.inv(reading.camera_from_head[1])[:3, 3]
    torch.testing.assert_close(
        cameras.centres[1].double(), torch.from_numpy(away), atol=1e-5, rtol=0
    )
