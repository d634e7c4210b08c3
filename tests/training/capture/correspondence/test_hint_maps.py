"""Hints show each place of a mesh where its camera sees it, and carry on a little beside it."""

import numpy as np
import pytest
import torch

from mien_training.cameras import look_at_camera, project
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.correspondence.hint_maps import carried_on, hint_maps, no_hints


def test_places_project_to_the_pixels_that_show_them(anny):
    camera = look_at_camera((0.1, 0.15, 0.8), (0, 0.125, 0.045), 0.45, 64, 64)
    canonical = torch.from_numpy(anny.vertices)
    faces = torch.from_numpy(anny.triangles.astype(np.int64))
    hints = hint_maps(canonical[None], faces, canonical, CameraBatch.of([camera]), 64)[0].numpy()
    row, column = np.nonzero(hints[3] > 0.99)
    assert len(row) > 500
    # The head stands where the mean head does: places are places in the world.
    pixels, _ = project(camera, hints[:3, row, column].T)
    np.testing.assert_allclose(pixels, np.stack([column, row], 1) + 0.5, atol=0.01)


def test_beside_the_mesh_places_carry_on_and_then_end():
    hints = torch.zeros(1, 4, 24, 24)
    hints[0, :3, 10:14, 10:14] = torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    hints[0, 3, 10:14, 10:14] = 1
    wide = carried_on(hints)
    torch.testing.assert_close(wide[0, :, 10:14, 10:14], hints[0, :, 10:14, 10:14])
    beside = wide[0, :, 12, 15]
    torch.testing.assert_close(beside, torch.tensor([0.1, 0.2, 0.3, 0.5]))
    assert (wide[0, :, :5] == 0).all() and (wide[0, :, :, 19:] == 0).all()
    assert torch.equal(carried_on(torch.zeros(1, 4, 8, 8)), torch.zeros(1, 4, 8, 8))


def test_nothing_known_is_nothing_shown():
    assert torch.equal(no_hints(2, 8, 6), torch.zeros(2, 4, 8, 6))


@pytest.mark.parametrize("shift", [0.02])
def test_a_mesh_elsewhere_is_shown_elsewhere_with_the_same_places(anny, shift):
    cameras = CameraBatch.of([look_at_camera((0, 0.1, 0.9), (0, 0.1, 0), 0.5, 48, 48)] * 2)
    canonical = torch.from_numpy(anny.vertices)
    faces = torch.from_numpy(anny.triangles.astype(np.int64))
    meshes = torch.stack([canonical, canonical + torch.tensor([shift, 0, 0])])
    here, there = hint_maps(meshes, faces, canonical, cameras, 48)
    middle = [
        (h[3] > 0.99).float().sum(0) @ torch.arange(48.0) / (h[3] > 0.99).sum()
        for h in (here, there)
    ]
    assert middle[1] > middle[0] + 1
    for found in (here, there):
        low, high = canonical.amin(0), canonical.amax(0)
        inside = found[:3, found[3] > 0.99].T
        assert ((inside >= low - 1e-5) & (inside <= high + 1e-5)).all()
