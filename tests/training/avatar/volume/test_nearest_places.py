"""What the grid and the mesh query find is what trying everything finds."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.nearest_places import (  # noqa: E402
    NEIGHBOURS,
    NearestOfCloud,
    NearestOnMesh,
)


@pytest.mark.parametrize("reach", [0.004, 0.012, 0.03, 0.2])
@pytest.mark.parametrize("spread", [0.01, 0.08])
def test_nearest_equal_brute_force(reach, spread):
    rng = np.random.default_rng(3)
    places = torch.from_numpy(rng.normal(0, spread, (500, 3)).astype(np.float32))
    points = torch.from_numpy(rng.normal(0, 1.5 * spread, (700, 3)).astype(np.float32))
    found = NearestOfCloud(places).find(points, reach)
    apart = torch.cdist(points.double(), places.double())
    distance, index = apart.topk(NEIGHBOURS, largest=False)
    wanted = torch.where(distance <= reach, index, -1)
    near_border = ((distance - reach).abs() < 1e-6).any(1)
    assert (found == wanted)[~near_border].all()


def test_fewer_places_than_neighbours():
    found = NearestOfCloud(torch.zeros(2, 3)).find(torch.tensor([[0.0, 0, 0.001]]), 0.01)
    assert sorted(found[0].tolist()) == [-1, -1, 0, 1]


def test_the_nearest_point_of_a_triangle():
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    mesh = NearestOnMesh(corners, torch.tensor([[0, 1, 2]]))
    face, share = mesh.find(torch.tensor([[0.2, 0.3, 0.05], [2.0, 0, 0], [9.0, 9, 9]]), 1.5)
    assert face.tolist() == [0, 0, -1]
    torch.testing.assert_close(share[0], torch.tensor([0.5, 0.2, 0.3]))
    torch.testing.assert_close(share[1], torch.tensor([0.0, 1, 0]))
