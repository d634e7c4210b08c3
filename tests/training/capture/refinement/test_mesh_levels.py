"""Levels of a mesh: means keep constants, coarse places are some of the fine ones."""

import torch

from mien_training.capture.refinement.mesh_levels import mesh_levels, skin_vertices


def test_constants_stay_constant_at_every_level(anny):
    chosen = skin_vertices(anny)
    levels = mesh_levels(anny, chosen, (300, 60))
    ones = torch.ones(len(chosen), 2)
    for depth, count in enumerate((len(chosen), 300, 60)):
        if depth:
            ones = levels.down[depth - 1] @ ones
        assert ones.shape == (count, 2)
        torch.testing.assert_close(ones, torch.ones(count, 2))
        torch.testing.assert_close(levels.neighbours[depth] @ ones, ones)
    for depth in (1, 0):
        ones = levels.up[depth] @ ones
        torch.testing.assert_close(ones, torch.ones_like(ones))


def test_places_go_down_and_up_to_about_where_they_were(anny):
    chosen = skin_vertices(anny)
    levels = mesh_levels(anny, chosen, (300,))
    places = torch.from_numpy(anny.vertices[chosen])
    back = levels.up[0] @ (levels.down[0] @ places)
    assert float((back - places).norm(dim=1).median()) < 0.006


def test_skin_is_skin(anny):
    assert anny.regions["skin"][skin_vertices(anny)].all()
